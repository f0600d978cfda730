#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"

static const char smaps[] =
	"55d0c0000000-55d0c0001000 r-xp 00000000 08:01 12 /usr/bin/ethogram\n"
	"Size:                  4 kB\n"
	"Pss:                   3 kB\n"
	"Pss_Dirty:             1 kB\n"
	"VmFlags: rd ex mr mw me dw sd\n"
	"7f0000000000-7f0001000000 rw-s 00001000 00:0e 1060 anon_inode:bpf-map\n"
	"Pss:               16384 kB\n"
	"7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]\n"
	"Pss:                  20 kB\n"
	"SwapPss:             100 kB\n";

static void test_sums(void **state)
{
	char path[] = "/tmp/smaps-XXXXXX";
	int fd = mkstemp(path);
	struct memory_use use;

	(void)state;
	assert_int_equal(write(fd, smaps, strlen(smaps)), strlen(smaps));
	close(fd);
	assert_int_equal(memory_read(path, &use), 0);
	assert_int_equal(use.pss_bytes, 23 * 1024);
	assert_int_equal(use.ring_bytes, 16384 * 1024);
	unlink(path);
	assert_int_equal(memory_read(path, &use), -ENOENT);
}

static void test_own(void **state)
{
	struct memory_use use;

	(void)state;
	assert_int_equal(memory_read("/proc/self/smaps", &use), 0);
	assert_true(use.pss_bytes > 100000);
	assert_int_equal(use.ring_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
