/* Baselines as bytes: whole images, and the journal segments between them. Both hold states, not
 * deltas, wherever a state is small: loading the same segment twice does no harm. Contents are
 * bounds-checked; names of dimensions that no longer exist, or changed their definition, are
 * skipped. Pipeline thread only. */
#pragma once

#include "profiles/set_private.h"

void image_write(const struct baseline *b, const struct pending *pending,
		 struct blob_writer *writer);
/* Into an empty baseline. 0; -EBADMSG, -ENOMEM: then it must be cleared. */
int image_read(struct profile_set *set, struct baseline *b, struct blob_reader *reader);

/* What changed since the last checkpoint. */
void journal_write(const struct baseline *b, const struct pending *pending,
		   struct blob_writer *writer);
int journal_read(struct profile_set *set, struct baseline *b, struct blob_reader *reader);

/* Name and kind come first, so that a baseline can be made for the rest. */
int image_read_name(struct blob_reader *reader, struct text *name, enum workload_kind *kind);

/* For both of them: image_parts.c. */
void parts_write_baseline(const struct baseline *b, struct blob_writer *writer);
int parts_read_baseline(struct profile_set *set, struct baseline *b, struct blob_reader *reader);
void parts_write_profile(const struct profile *p, bool with_streams, struct blob_writer *writer);
/* *out NULL: unknown here; the caller skips it by its length. */
int parts_read_profile(struct profile_set *set, struct baseline *b, struct blob_reader *reader,
		       struct profile **out);
void parts_write_key(const struct record_key *key, struct blob_writer *writer);
int parts_read_key(struct blob_reader *reader, unsigned n_levels, struct record_key *key);
/* Count what is held of each profile into its n_to_write; all, or only what changed. Before
 * parts_write_held() of any: one walk for all profiles. */
void parts_count_held(const struct baseline *b, bool only_dirty);
/* Held behaviours of a profile; all, or only those that changed, as they were counted. */
void parts_write_held(const struct profile *p, const struct pending *pending, bool only_dirty,
		      struct blob_writer *writer);
int parts_read_held(struct profile_set *set, struct profile *p, struct blob_reader *reader);
