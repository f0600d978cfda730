#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include <cmocka.h>

#include "base/event_table.h"
#include "base/util.h"
#include "capture/flags.h"

/* The names that the portable bits have, joined in table order. */
static void names_of(enum flag_table_id table, uint32_t flags, char *out, size_t size)
{
	const struct flag_name *names;
	uint32_t n;

	names = flag_names(table, &n);
	out[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		if (names[i].value && (flags & names[i].value) == names[i].value) {
			if (out[0])
				strncat(out, "|", size - strlen(out) - 1);
			strncat(out, names[i].name, size - strlen(out) - 1);
			flags &= ~names[i].value;
		}
	}
}

static void kernel_bits_get_their_names(void **state)
{
	static const struct {
		const char *name;
		enum flag_map map;
		enum flag_table_id table;
		uint64_t kernel;
		const char *want;
	} rows[] = {
		{"read only", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_RDONLY, "O_RDONLY"},
		{"write only", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_WRONLY, "O_WRONLY"},
		{"both", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_RDWR | O_CLOEXEC, "O_RDWR|O_CLOEXEC"},
		{"neither", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, 3, ""},
		{"create", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC,
		 "O_TRUNC|O_EXCL|O_CREAT|O_WRONLY"},
		{"a directory is no temporary file", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_DIRECTORY,
		 "O_DIRECTORY|O_RDONLY"},
		{"temporary file", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_TMPFILE | O_WRONLY,
		 "O_DIRECTORY|O_WRONLY|O_TMPFILE"},
		{"data sync is not sync", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_DSYNC,
		 "O_DSYNC|O_RDONLY"},
		{"sync", FLAG_MAP_OPEN, FLAGS_FILE_FLAGS, O_SYNC | O_APPEND | O_NONBLOCK,
		 "O_SYNC|O_NONBLOCK|O_DSYNC|O_APPEND|O_RDONLY"},
		{"thread", FLAG_MAP_CLONE, FLAGS_CLONE_FLAGS, CLONE_VM | CLONE_THREAD | CLONE_FS,
		 "CLONE_FS|CLONE_THREAD|CLONE_VM"},
		{"mapping", FLAG_MAP_MMAP, FLAGS_MMAP_FLAGS,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED,
		 "MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS|MAP_LOCKED"},
		{"protection", FLAG_MAP_PROT, FLAGS_PROT_FLAGS, PROT_EXEC | PROT_GROWSUP,
		 "PROT_EXEC|PROT_GROWSUP"},
		{"futex", FLAG_MAP_FUTEX, FLAGS_FUTEX_OPERATIONS, 9 | 128,
		 "FUTEX_PRIVATE_FLAG|FUTEX_WAIT_BITSET"},
		{"semaphores made", FLAG_MAP_SEMGET, FLAGS_SEMGET_FLAGS, IPC_CREAT | 0600,
		 "IPC_CREAT"},
		{"semaphores asked", FLAG_MAP_SEMCTL, FLAGS_SEMCTL_COMMANDS, GETNCNT, "GETNCNT"},
		{"no such command", FLAG_MAP_SEMCTL, FLAGS_SEMCTL_COMMANDS, 99, ""},
		{"quota", FLAG_MAP_QUOTA_COMMAND, FLAGS_QUOTACTL_CMDS, 0x800007, "Q_GETQUOTA"},
		{"quota of XFS", FLAG_MAP_QUOTA_COMMAND, FLAGS_QUOTACTL_CMDS, 0x5803,
		 "Q_XGETQUOTA"},
		{"level", FLAG_MAP_SOCKOPT_LEVEL, FLAGS_SOCKOPT_LEVELS, 6, "SOL_TCP"},
		{"namespaces", FLAG_MAP_CLONE, FLAGS_CLONE_FLAGS,
		 CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWCGROUP | 17,
		 "CLONE_NEWNS|CLONE_NEWPID|CLONE_NEWUSER|CLONE_NEWCGROUP"},
		{"remove a directory", FLAG_MAP_UNLINKAT, FLAGS_UNLINKAT_FLAGS, AT_REMOVEDIR,
		 "AT_REMOVEDIR"},
		{"follow", FLAG_MAP_LINKAT, FLAGS_LINKAT_FLAGS, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH,
		 "AT_SYMLINK_FOLLOW|AT_EMPTY_PATH"},
		{"no follow", FLAG_MAP_FCHOWNAT, FLAGS_FCHOWNAT_FLAGS, AT_SYMLINK_NOFOLLOW,
		 "AT_SYMLINK_NOFOLLOW"},
		{"duplicate", FLAG_MAP_FCNTL, FLAGS_FCNTL_COMMANDS, F_DUPFD, "F_DUPFD"},
		{"unknown command", FLAG_MAP_FCNTL, FLAGS_FCNTL_COMMANDS, 999, ""},
	};
	char got[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t portable = flags_portable(rows[i].map, rows[i].kernel);

		if (rows[i].map == FLAG_MAP_FCNTL && portable == 0)
			got[0] = '\0';
		else
			names_of(rows[i].table, portable, got, sizeof(got));
		if (rows[i].map == FLAG_MAP_FCNTL && portable)
			assert_int_equal(portable, 1);
		else if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].name, got, rows[i].want);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_bits_get_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
