/* Calls on other processes, mounts, modules and the kernel. */
#include <linux/mount.h>
#include <linux/quota.h>

#include "capture/decode_family.h"
#include "capture/flags.h"

#define MOUNT_MAGIC_MASK 0xffff0000u
#define MOUNT_MAGIC 0xc0ed0000u

/* What old callers put into the upper half is no flag. */
void decode_mount(struct decoder *d, const struct record *record)
{
	uint32_t flags = arg_u32(record, 3);

	if ((flags & MOUNT_MAGIC_MASK) == MOUNT_MAGIC)
		flags &= ~MOUNT_MAGIC_MASK;
	set_u64(d, MOUNT_flags, flags);
}

/* The text is a name or parameters, not a path. */
void decode_no_path(struct decoder *d, const struct record *record)
{
	(void)record;
	forget_paths(d);
}

void decode_pidfd_open(struct decoder *d, const struct record *record)
{
	set_u64(d, PIDFD_OPEN_flags, arg_u32(record, 1) & 04000 ? 1 : 0); /* PIDFD_NONBLOCK */
}

/* The first six words of struct io_uring_params, which the kernel has filled in. */
void decode_io_uring(struct decoder *d, const struct record *record)
{
	struct text params = section_text(d, record, WIRE_SEC_DATA);
	uint32_t words[6];

	if (params.len != sizeof(words))
		return;
	memcpy(words, params.ptr, sizeof(words));
	set_u64(d, IO_URING_SETUP_sq_entries, words[0]);
	set_u64(d, IO_URING_SETUP_cq_entries, words[1]);
	set_u64(d, IO_URING_SETUP_flags, flags_portable(FLAG_MAP_IO_URING, words[2]));
	set_u64(d, IO_URING_SETUP_sq_thread_cpu, words[3]);
	set_u64(d, IO_URING_SETUP_sq_thread_idle, words[4]);
	set_u64(d, IO_URING_SETUP_features, words[5] & 0x7ff);
}

/* The signals that wait during the call; another structure when the flag says so. */
void decode_io_uring_enter(struct decoder *d, const struct record *record)
{
	uint64_t mask;

	if (arg_u32(record, 3) & 8) /* IORING_ENTER_EXT_ARG */
		return;
	if (section_copy(record, WIRE_SEC_DATA, &mask, sizeof(mask)))
		set_u64(d, IO_URING_ENTER_sig, (uint32_t)mask);
}

void decode_init_module(struct decoder *d, const struct record *record)
{
	if (section_is_known(record, WIRE_SEC_VAR))
		set_bytes(d, INIT_MODULE_img, section_text(d, record, WIRE_SEC_VAR));
	forget_paths(d);
}

/* The value is a text, a block or nothing, by the command; it counts after success only. */
void decode_fsconfig(struct decoder *d, const struct record *record)
{
	uint32_t command = arg_u32(record, 1);
	bool is_text = command == FSCONFIG_SET_STRING || command == FSCONFIG_SET_PATH ||
		       command == FSCONFIG_SET_PATH_EMPTY;

	forget_paths(d);
	if (record->header->res < 0)
		return;
	if (is_text && section_is_known(record, WIRE_SEC_TEXT1))
		set_bytes(d, FSCONFIG_value_charbuf, section_text(d, record, WIRE_SEC_TEXT1));
	else if (command == FSCONFIG_SET_BINARY && section_is_known(record, WIRE_SEC_VAR))
		set_bytes(d, FSCONFIG_value_bytebuf, section_text(d, record, WIRE_SEC_VAR));
}

/* A member of the caller's structure, when its `valid` says that it counts. */
static void set_if_valid(struct decoder *d, unsigned param, uint64_t value, bool is_valid)
{
	set_u64(d, param, is_valid ? value : 0);
}

static void set_quota(struct decoder *d, const struct if_dqblk *quota)
{
	uint32_t valid = quota->dqb_valid;

	set_if_valid(d, QUOTACTL_dqb_bhardlimit, quota->dqb_bhardlimit, valid & QIF_BLIMITS);
	set_if_valid(d, QUOTACTL_dqb_bsoftlimit, quota->dqb_bsoftlimit, valid & QIF_BLIMITS);
	set_if_valid(d, QUOTACTL_dqb_curspace, quota->dqb_curspace, valid & QIF_SPACE);
	set_if_valid(d, QUOTACTL_dqb_ihardlimit, quota->dqb_ihardlimit, valid & QIF_ILIMITS);
	set_if_valid(d, QUOTACTL_dqb_isoftlimit, quota->dqb_isoftlimit, valid & QIF_ILIMITS);
	set_if_valid(d, QUOTACTL_dqb_btime, quota->dqb_btime, valid & QIF_BTIME);
	set_if_valid(d, QUOTACTL_dqb_itime, quota->dqb_itime, valid & QIF_ITIME);
}

static void set_quota_info(struct decoder *d, const struct if_dqinfo *info)
{
	set_if_valid(d, QUOTACTL_dqi_bgrace, info->dqi_bgrace, info->dqi_valid & IIF_BGRACE);
	set_if_valid(d, QUOTACTL_dqi_igrace, info->dqi_igrace, info->dqi_valid & IIF_IGRACE);
	set_if_valid(d, QUOTACTL_dqi_flags, info->dqi_flags & 0xff, info->dqi_valid & IIF_FLAGS);
}

/* Quota formats that no command asks for. */
#define QUOTA_FORMAT_NOT_USED 1

static uint32_t quota_format(uint32_t format)
{
	uint32_t portable = flags_portable(FLAG_MAP_QUOTA_FORMAT, format);

	return portable ? portable : QUOTA_FORMAT_NOT_USED;
}

/* The block is another structure for each command; 32-bit callers have the same members without
 * the padding at the end. */
void decode_quotactl(struct decoder *d, const struct record *record)
{
	uint32_t command = arg_u32(record, 0) >> SUBCMDSHIFT, id = arg_u32(record, 2);
	struct text block = section_text(d, record, WIRE_SEC_DATA);
	bool has_id = command == Q_GETQUOTA || command == Q_SETQUOTA || command == 0x5803 ||
		      command == 0x5804; /* XFS: get and set quotas */
	struct if_dqblk quota = {0};
	struct if_dqinfo info = {0};
	uint32_t format = 0;

	if (command == Q_GETQUOTA || command == Q_SETQUOTA)
		memcpy(&quota, block.ptr ? block.ptr : "", MIN(block.len, sizeof(quota)));
	else if (command == Q_GETINFO || command == Q_SETINFO)
		memcpy(&info, block.ptr ? block.ptr : "", MIN(block.len, sizeof(info)));
	else if (command == Q_GETFMT)
		memcpy(&format, block.ptr ? block.ptr : "", MIN(block.len, sizeof(format)));
	if (section_is_known(record, WIRE_SEC_TEXT0))
		set_bytes(d, QUOTACTL_special, d->event.raw_path[0]);
	if (command == Q_QUOTAON && section_is_known(record, WIRE_SEC_TEXT1))
		set_bytes(d, QUOTACTL_quotafilepath, d->event.raw_path[1]);
	set_quota(d, &quota);
	set_quota_info(d, &info);
	set_u64(d, QUOTACTL_quota_fmt_out, quota_format(format));
	set_u64(d, QUOTACTL_cmd, flags_portable(FLAG_MAP_QUOTA_COMMAND, command));
	set_u64(d, QUOTACTL_type,
		flags_portable(FLAG_MAP_QUOTA_TYPE, arg_u32(record, 0) & SUBCMDMASK));
	set_u64(d, QUOTACTL_id, has_id ? id : 0);
	set_u64(d, QUOTACTL_quota_fmt, quota_format(command == Q_QUOTAON ? id : 0));
	if (command != Q_QUOTAON)
		d->event.raw_path[1] = TEXT_NONE;
}
