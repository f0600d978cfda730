#include "api/live.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"

#define SHARED_FOR_NS UINT64_C(1000000000)
#define TIMEOUT_MS 1000
#define KINDS (REQUEST_RULES + 1)

struct live {
	struct request_box *box;
	pthread_mutex_t lock;  /* which answer each slot holds, and the next */
	uint64_t forgotten_ns; /* answers to older questions are not fresh any more */
	struct {
		pthread_mutex_t asking;      /* one thread asks, the others wait for its answer */
		struct live_answer *current; /* the slot is a holder too */
	} slots[KINDS];
};

int live_create(struct live **out, struct request_box *box)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return -ENOMEM;
	live->box = box;
	pthread_mutex_init(&live->lock, NULL);
	for (size_t i = 0; i < KINDS; i++)
		pthread_mutex_init(&live->slots[i].asking, NULL);
	*out = live;
	return 0;
}

void live_release(struct live_answer **answer_ptr)
{
	struct live_answer *answer = TAKE(*answer_ptr);
	struct request *request;

	if (!answer || atomic_fetch_sub(&answer->n_holders, 1) > 1)
		return;
	request = (struct request *)answer->request;
	request_destroy(&request);
	free(answer);
}

void live_destroy(struct live **live_ptr)
{
	struct live *live = *live_ptr;

	if (!live)
		return;
	for (size_t i = 0; i < KINDS; i++) {
		live_release(&live->slots[i].current);
		pthread_mutex_destroy(&live->slots[i].asking);
	}
	pthread_mutex_destroy(&live->lock);
	free(live);
	*live_ptr = NULL;
}

/* The slot's answer if it is fresh, held for the caller; else NULL. */
static struct live_answer *hold_fresh(struct live *live, enum request_kind kind)
{
	struct live_answer *answer;

	pthread_mutex_lock(&live->lock);
	answer = live->slots[kind].current;
	if (answer && clock_monotonic_ns() - answer->made_ns < SHARED_FOR_NS &&
	    answer->made_ns > live->forgotten_ns)
		atomic_fetch_add(&answer->n_holders, 1);
	else
		answer = NULL;
	pthread_mutex_unlock(&live->lock);
	return answer;
}

void live_forget(struct live *live)
{
	pthread_mutex_lock(&live->lock);
	live->forgotten_ns = clock_monotonic_ns();
	pthread_mutex_unlock(&live->lock);
}

int live_ask(struct live *live, struct request *request)
{
	if (!request)
		return -ENOMEM;
	return request_ask(live->box, request, TIMEOUT_MS);
}

/* Ask anew; the answer goes into the slot and, held, to the caller. */
static int refresh(struct live *live, enum request_kind kind, struct live_answer **out)
{
	SCOPED(request_destroy) struct request *request = request_create(kind);
	struct live_answer *answer, *old;
	uint64_t asked_ns = clock_monotonic_ns();
	int r = live_ask(live, request);

	if (r)
		return r;
	answer = calloc(1, sizeof(*answer));
	if (!answer)
		return -ENOMEM;
	answer->request = TAKE(request);
	answer->made_ns = asked_ns;
	atomic_init(&answer->n_holders, 2);
	pthread_mutex_lock(&live->lock);
	old = live->slots[kind].current;
	live->slots[kind].current = answer;
	pthread_mutex_unlock(&live->lock);
	live_release(&old);
	*out = answer;
	return 0;
}

int live_share(struct live *live, enum request_kind kind, struct live_answer **out)
{
	struct live_answer *answer = hold_fresh(live, kind);
	int r = 0;

	if (!answer) {
		pthread_mutex_lock(&live->slots[kind].asking);
		answer = hold_fresh(live, kind); /* another thread may have asked meanwhile */
		if (!answer)
			r = refresh(live, kind, &answer);
		pthread_mutex_unlock(&live->slots[kind].asking);
	}
	if (r == 0)
		*out = answer;
	return r;
}
