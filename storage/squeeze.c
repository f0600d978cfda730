#include "storage/squeeze.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/util.h"

/* What most events hold; the most usual last. It must never change: what is stored could not be
 * read any more. */
static const char usual[] =
	"\"incident.above_threshold\":true,\"k8s.pod.name\":\"\",\"k8s.ns.name\":\"\","
	"\"fd.l4proto\":\"tcp\",\"fd.is_server\":false,\"fd.ip\":[\"127.0.0.1\",\"10.0.0.1\"],"
	"\"fd.sip\":\"\",\"fd.cip\":\"\",\"fd.port\":[443,53],\"fd.sport\":443,\"fd.cport\":,"
	"\"fd.snet\":\"\",\"fd.type\":\"ipv4\",\"fd.typechar\":\"4\",\"fs.path.source\":\"\","
	"\"fs.path.target\":\"\",\"fs.path.name\":\"/usr/share/\",\"evt.arg.mode\":\"0\","
	"\"evt.arg.flags\":\"O_RDONLY|O_CLOEXEC\",\"evt.arg.dev\":\"\",\"evt.arg.ino\":\"\","
	"\"evt.arg.uid\":\"root\",\"evt.arg.gid\":\"root\",\"evt.arg.res\":\"0\","
	"\"evt.arg.fd\":\"<f>/\",\"evt.arg.dirfd\":\"AT_FDCWD\",\"<NA>\",\"proc.args\":\"\","
	"\"proc.acmdline\":[\"\"],\"proc.aexepath\":[\"/usr/lib/systemd/systemd\"],"
	"\"proc.apid\":[1],\"proc.exeline\":\"\",\"proc.sname\":\"\",\"proc.is_exe_writable\":false,"
	"\"anomaly.return_period_s\":,\"anomaly.dimension\":\"file.read\",\"anomaly.novel\":true,"
	"\"anomaly.above_threshold\":false,\"anomaly.repeat\":false,\"anomaly.incident\":\"i\","
	"\"evt.num\":,\"evt.rawtime\":\"17\",\"evt.type\":\"openat\",\"syscall.type\":\"openat\","
	"\"evt.category\":\"file\",\"evt.res\":\"SUCCESS\",\"evt.rawres\":3,\"evt.failed\":false,"
	"\"evt.is_open_read\":true,\"evt.is_open_write\":false,\"evt.is_open_exec\":false,"
	"\"evt.is_open_create\":false,\"evt.is_io_uring\":false,\"proc.exe\":\"/usr/bin/\","
	"\"proc.exepath\":\"/usr/bin/\",\"proc.pexepath\":\"/usr/bin/bash\",\"proc.name\":\"sh\","
	"\"proc.pname\":\"bash\",\"proc.aname\":[\"bash\",\"sshd\",\"sshd\",\"systemd\"],"
	"\"proc.cmdline\":\"\",\"proc.pcmdline\":\"bash\",\"proc.cwd\":\"/root/\",\"proc.tty\":0,"
	"\"proc.pid\":,\"proc.ppid\":,\"proc.sid\":,\"proc.is_exe_upper_layer\":false,"
	"\"proc.is_exe_from_memfd\":false,\"thread.tid\":,\"user.uid\":0,\"user.name\":\"root\","
	"\"user.loginuid\":-1,\"user.loginname\":\"<NA>\",\"group.gid\":0,\"fd.num\":3,"
	"\"fd.type\":\"file\",\"fd.typechar\":\"f\",\"fd.name\":\"/etc/\",\"fd.directory\":\"/etc\","
	"\"fd.filename\":\"\",\"container.id\":\"host\",\"container.name\":\"host\","
	"\"container.type\":\"host\",\"container.privileged\":false,"
	"\"container.image.repository\":\"\",\"container.image.tag\":\"\","
	"\"workload.name\":\"unit:.service\",\"workload.id\":\"\",\"workload.kind\":\"unit\","
	"\"workload.instance\":\"\",\"workload.state\":\"learning\",\"workload.coverage\":0}";

int squeeze(struct text plain, struct text *out)
{
	z_stream z = {0};
	uLong room;
	char *bytes;
	int r;

	if (deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&z, plain.len);
	bytes = malloc(room);
	r = bytes ? deflateSetDictionary(&z, (const Bytef *)usual, sizeof(usual) - 1) : Z_MEM_ERROR;
	z.next_in = (Bytef *)plain.ptr;
	z.avail_in = plain.len;
	z.next_out = (Bytef *)bytes;
	z.avail_out = (uInt)room;
	if (r == Z_OK)
		r = deflate(&z, Z_FINISH);
	*out = (struct text){bytes, (uint32_t)z.total_out};
	deflateEnd(&z);
	if (r == Z_STREAM_END)
		return 0;
	free(bytes);
	return -ENOMEM;
}

int unsqueeze(struct text squeezed, uint32_t max, struct text *out)
{
	z_stream z = {.next_in = (Bytef *)squeezed.ptr, .avail_in = squeezed.len};
	char *bytes = malloc((size_t)max + 1);
	int r = bytes ? inflateInit(&z) : Z_MEM_ERROR;

	if (r != Z_OK) {
		free(bytes);
		return -ENOMEM;
	}
	z.next_out = (Bytef *)bytes;
	z.avail_out = max;
	r = inflate(&z, Z_FINISH);
	if (r == Z_NEED_DICT &&
	    inflateSetDictionary(&z, (const Bytef *)usual, sizeof(usual) - 1) == Z_OK)
		r = inflate(&z, Z_FINISH);
	*out = (struct text){bytes, (uint32_t)z.total_out};
	inflateEnd(&z);
	if (r == Z_STREAM_END)
		return 0;
	free(bytes);
	return -EBADMSG;
}
