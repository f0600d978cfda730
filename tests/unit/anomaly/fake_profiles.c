#include "fake_profiles.h"

#include <string.h>

#include "base/util.h"

void fake_profile(struct profile *profile, const struct workload *workload, const char *dimension,
		  uint32_t age, double epoch_s)
{
	static const double priors[] = {.35, .4, .5};

	*profile = (struct profile){
		.view = {.workload = workload,
			 .dimension = text_from(dimension),
			 .epoch_s = epoch_s,
			 .active_share = 1,
			 .basis_s = age * epoch_s,
			 .coverage = 0.99,
			 .active_epochs = age},
		.parent_epochs = age,
		.child_epochs = 1,
	};
	for (unsigned l = 0; l < RECORD_LEVELS_MAX; l++) {
		double prior = priors[MIN(l, 2)], longest = (age / 3.77 + 1) / prior;

		profile->streams[l] = (struct stream_view){
			.rate_per_epoch = 1 / longest,
			.is_ready = true,
			.longest_claim_epochs = longest,
			.age_epochs = age,
		};
		profile->startup[l] = profile->streams[l];
		profile->startup[l].rate_per_epoch = 1;
	}
}

struct sighting fake_sighting(struct profile *profile, int8_t new_level, const char *const *fields)
{
	/* the tests' dimensions have names of different lengths */
	struct sighting s = {.profile = profile,
			     .new_level = new_level,
			     .dimension = profile->view.dimension.len};
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(uintptr_t)profile;

	for (; fields[s.n_levels]; s.n_levels++) {
		s.fields[s.n_levels] = text_from(fields[s.n_levels]);
		for (const char *c = fields[s.n_levels]; *c; c++)
			hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
		hash = (hash ^ 0xff) * UINT64_C(0x100000001b3);
		s.fingerprints[s.n_levels] = hash;
	}
	return s;
}

void fake_process(struct process *process, int32_t pid, const struct instance *instance,
		  struct process *creator, const char *exe)
{
	*process = (struct process){
		.pid = pid,
		.start_ns = 1000000000u + (uint64_t)pid,
		.creator = creator,
		.parent = creator,
		.is_alive = true,
		.exepath = text_from(exe),
		.comm = text_from(exe),
		.args = {"-x", 3},
		.workload = instance->workload,
		.instance = instance,
	};
}

/* profiles/ ---------------------------------------------------------------------------------- */

void profile_stream(const struct sighting *sighting, unsigned level, struct stream_view *out)
{
	const struct profile *p = sighting->profile;

	*out = sighting->is_startup ? p->startup[level] : p->streams[level];
}

void profile_parent(const struct sighting *sighting, unsigned level, uint32_t *parent_epochs,
		    uint32_t *child_epochs)
{
	(void)level;
	*parent_epochs = sighting->profile->parent_epochs;
	*child_epochs = sighting->profile->child_epochs;
}

bool profile_population(const struct sighting *sighting, unsigned level, bool *known, double *rate)
{
	(void)level;
	*known = sighting->profile->population_known;
	*rate = sighting->profile->population_rate;
	return sighting->profile->has_population;
}

uint64_t profile_count(const struct sighting *sighting)
{
	return sighting->profile->count;
}

void profile_view(const struct sighting *sighting, struct profile_view *out)
{
	*out = sighting->profile->view;
}

uint32_t profile_usual(const struct sighting *sighting, unsigned level, uint32_t max,
		       struct record_key keys[], double frequencies[])
{
	const struct profile *p = sighting->profile;
	uint32_t n = MIN(p->n_usual, max);

	(void)level;
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = (struct record_key){.n = 1, .fields = {text_from(p->usual[i])}};
		frequencies[i] = 1.0 / (i + 1);
	}
	return n;
}

bool profile_sighting_key(const struct sighting *sighting, const struct field_context *ctx,
			  struct record_key *out)
{
	(void)ctx;
	out->n = sighting->n_levels;
	memcpy(out->fields, sighting->fields, sizeof(out->fields));
	return true;
}
