/* Files, their descriptors and names. */
#include <fcntl.h>
#include <sys/stat.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define PIPEFS_MAGIC 0x50495045
#define ANON_INODE_FS_MAGIC 0x09041934
#define PIDFD_MAGIC 0x50494446
#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6

/* Portable bits that say what the open found. */
#define PORTABLE_CREATED (1u << 14)
#define PORTABLE_UPPER_LAYER (1u << 15)
#define PORTABLE_LOWER_LAYER (1u << 16)

static const struct {
	uint16_t wire;
	uint16_t fact;
} file_flags[] = {
	{WIRE_FILE_OVERLAY_UPPER, FILE_UPPER_LAYER},
	{WIRE_FILE_OVERLAY_LOWER, FILE_LOWER_LAYER},
	{WIRE_FILE_UNHASHED, FILE_DELETED},
	{WIRE_FILE_CREATED, FILE_CREATED},
};

static enum file_kind kind_of(const struct wire_file *file, struct text path)
{
	if (file->magic == ANON_INODE_FS_MAGIC || file->magic == PIDFD_MAGIC)
		return FILE_KIND_ANON;
	switch (file->mode & S_IFMT) {
	case S_IFREG:
		if ((file->magic == TMPFS_MAGIC || file->magic == HUGETLBFS_MAGIC) &&
		    text_starts_with(path, TEXT("memfd:")))
			return FILE_KIND_MEMFD;
		return FILE_KIND_REGULAR;
	case S_IFDIR:
		return FILE_KIND_DIRECTORY;
	case S_IFCHR:
		return FILE_KIND_CHAR_DEVICE;
	case S_IFBLK:
		return FILE_KIND_BLOCK_DEVICE;
	case S_IFIFO:
		return FILE_KIND_FIFO;
	case S_IFSOCK:
		return FILE_KIND_SOCKET;
	case S_IFLNK:
		return FILE_KIND_SYMLINK;
	default:
		return file->mode == 0 || (file->mode & S_IFMT) == 0 ? FILE_KIND_ANON
								     : FILE_KIND_UNKNOWN;
	}
}

/* Files of kernel-internal mounts have one name and no place: "memfd:x", "[eventfd]". A memfd's
 * name may hold anything but a slash, so what is not internal is never taken for one. */
static bool is_internal(const struct wire_file *file, const char *name, uint32_t len)
{
	if (file->magic == ANON_INODE_FS_MAGIC || file->magic == PIPEFS_MAGIC ||
	    file->magic == PIDFD_MAGIC)
		return true;
	if ((file->magic != TMPFS_MAGIC && file->magic != HUGETLBFS_MAGIC) ||
	    !(file->flags & WIRE_FILE_UNHASHED))
		return false;
	return len > 6 && memcmp(name, "memfd:", 6) == 0 &&
	       memchr(name, '/', len) == name + len - 1;
}

const struct file_facts *decode_file_facts(struct decoder *d, const struct record *record)
{
	const struct wire_section *section = record->sections[WIRE_SEC_FILE];
	const struct wire_file *file;
	struct file_facts *out = &d->file;
	const char *path;
	uint32_t len;

	if (!section)
		return NULL;
	file = (const struct wire_file *)(section + 1);
	path = (const char *)(file + 1);
	len = section->len - (uint32_t)sizeof(*file);
	out->path = decode_path(d, path, len, !is_internal(file, path, len));
	out->ino = file->ino;
	out->dev = file->dev;
	out->mode = file->mode;
	out->flags = 0;
	for (size_t i = 0; i < ARRAY_SIZE(file_flags); i++) {
		if (file->flags & file_flags[i].wire)
			out->flags |= file_flags[i].fact;
	}
	if (file->mode & S_ISUID)
		out->flags |= FILE_SETUID;
	if (file->mode & S_ISGID)
		out->flags |= FILE_SETGID;
	if (section->flags & WIRE_SEC_TRUNCATED) {
		out->flags |= FILE_PATH_TRUNCATED;
		d->event.quality |= EVENT_TRUNCATED;
	}
	out->kind = kind_of(file, out->path);
	return out;
}

static uint32_t found_flags(const struct file_facts *file)
{
	uint32_t flags = 0;

	if (file->flags & FILE_CREATED)
		flags |= PORTABLE_CREATED;
	if (file->flags & FILE_UPPER_LAYER)
		flags |= PORTABLE_UPPER_LAYER;
	if (file->flags & FILE_LOWER_LAYER)
		flags |= PORTABLE_LOWER_LAYER;
	return flags;
}

/* Indices of one open call's parameters. */
struct open_params {
	uint8_t name, flags, mode, dev, ino;
	uint8_t flags_arg;
};

static const struct open_params *open_params_of(enum event_type type)
{
	static const struct open_params open_call = {OPEN_name, OPEN_flags, OPEN_mode,
						     OPEN_dev,  OPEN_ino,   1};
	static const struct open_params openat_call = {OPENAT_name, OPENAT_flags, OPENAT_mode,
						       OPENAT_dev,  OPENAT_ino,   2};
	static const struct open_params openat2_call = {OPENAT2_name, OPENAT2_flags, OPENAT2_mode,
							OPENAT2_dev,  OPENAT2_ino,   0};
	static const struct open_params creat_call = {CREAT_name, CREAT_creat_flags, CREAT_mode,
						      CREAT_dev,  CREAT_ino,         0};

	if (type == EVENT_OPENAT)
		return &openat_call;
	if (type == EVENT_OPENAT2)
		return &openat2_call;
	return type == EVENT_CREAT ? &creat_call : &open_call;
}

static void decode_creat(struct decoder *d, const struct record *record)
{
	uint32_t found = d->event.file ? found_flags(d->event.file) : 0;

	set_u64(d, CREAT_mode, arg_u32(record, 1) & 07777);
	set_u64(d, CREAT_creat_flags,
		(found & PORTABLE_UPPER_LAYER ? 1 : 0) | (found & PORTABLE_LOWER_LAYER ? 2 : 0));
}

/* Flags as the open file has them; those that it does not keep are the caller's. */
static uint64_t kernel_flags(const struct record *record, uint64_t typed)
{
	const uint64_t not_kept = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | 0100000;
	const struct wire_section *section = record->sections[WIRE_SEC_FILE];
	const struct wire_file *file = (const struct wire_file *)(section + 1);

	return (file->open_flags & ~not_kept) | (typed & not_kept);
}

void decode_open(struct decoder *d, const struct record *record)
{
	const struct open_params *params = open_params_of(d->event.type);
	const struct file_facts *file = d->event.file;
	uint64_t flags = arg_u32(record, params->flags_arg), resolve = 0;
	uint64_t mode = arg_u32(record, params->flags_arg + 1);

	if (section_is_known(record, WIRE_SEC_TEXT0))
		set_bytes(d, params->name, d->event.raw_path[0]);
	else if (file && file->path.len)
		set_bytes(d, params->name, file->path);
	if (file) {
		set_u64(d, params->dev, dev_portable(file->dev));
		set_u64(d, params->ino, file->ino);
	} else {
		set_u64(d, params->dev, 0);
		set_u64(d, params->ino, 0);
	}
	if (d->event.type == EVENT_CREAT) {
		decode_creat(d, record);
		return;
	}
	if (d->event.type == EVENT_OPENAT2) {
		struct text how = section_text(d, record, WIRE_SEC_DATA);
		uint64_t words[3] = {0};

		if (how.len == sizeof(words))
			memcpy(words, how.ptr, sizeof(words));
		flags = words[0];
		mode = words[1];
		resolve = words[2];
		set_u64(d, OPENAT2_resolve, flags_portable(FLAG_MAP_RESOLVE, resolve));
	}
	/* What the caller's block says now need not be what it said then. */
	if (d->event.type == EVENT_OPENAT2 && file)
		flags = kernel_flags(record, flags);
	if (!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE)
		mode = 0;
	set_u64(d, params->mode, mode & 07777);
	set_u64(d, params->flags,
		flags_portable(FLAG_MAP_OPEN, flags) | (file ? found_flags(file) : 0));
}

/* pipe and pipe2 have the same first parameters. */
void decode_pipe(struct decoder *d, const struct record *record)
{
	struct text pair = section_text(d, record, WIRE_SEC_DATA);
	int32_t fds[2];

	if (pair.len != sizeof(fds) || record->header->res < 0)
		return;
	memcpy(fds, pair.ptr, sizeof(fds));
	set_i64(d, PIPE_fd1, fds[0]);
	set_i64(d, PIPE_fd2, fds[1]);
	if (d->event.file)
		set_u64(d, PIPE_ino, d->event.file->ino);
	d->event.fd = fds[1];
}

/* After success the file is the directory that the process is in. */
void decode_chdir(struct decoder *d, const struct record *record)
{
	const struct wire_section *cwd = record->sections[WIRE_SEC_CWD];

	if (!cwd)
		return;
	d->file = (struct file_facts){
		.path = decode_path(d, (const char *)(cwd + 1), cwd->len, true),
		.kind = FILE_KIND_DIRECTORY,
	};
	d->event.file = &d->file;
	d->event.quality &= ~(uint32_t)EVENT_PATH_FROM_CALLER;
}

/* Two of its commands make a descriptor; the others are about the one they are given. */
void decode_fcntl(struct decoder *d, const struct record *record)
{
	uint32_t command = arg_u32(record, 1);

	if (record->header->res >= 0 && (command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		d->event.fd = (int32_t)record->header->res;
}

/* There is no name to type: the path is the kernel's. */
void decode_open_by_handle(struct decoder *d, const struct record *record)
{
	const struct file_facts *file = d->event.file;
	uint32_t flags = flags_portable(FLAG_MAP_OPEN, arg_u32(record, 2));

	set_u64(d, OPEN_BY_HANDLE_AT_flags, flags | (file ? found_flags(file) : 0));
	set_u64(d, OPEN_BY_HANDLE_AT_dev, file ? dev_portable(file->dev) : 0);
	set_u64(d, OPEN_BY_HANDLE_AT_ino, file ? file->ino : 0);
	if (file && file->path.len)
		set_bytes(d, OPEN_BY_HANDLE_AT_path, file->path);
}

/* After a failure the caller's buffer holds anything. */
void decode_getcwd(struct decoder *d, const struct record *record)
{
	if (record->header->res >= 0 && section_is_known(record, WIRE_SEC_TEXT0))
		set_bytes(d, GETCWD_path, d->event.raw_path[0]);
	forget_paths(d);
}

void decode_llseek(struct decoder *d, const struct record *record)
{
	set_u64(d, LLSEEK_offset, (uint64_t)arg_u32(record, 1) << 32 | arg_u32(record, 2));
}
