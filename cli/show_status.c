#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/util.h"
#include "cli/human.h"
#include "cli/table.h"
#include "cli/verb.h"

static void show_capture(struct cli *cli, const cJSON *json)
{
	const cJSON *capture = json_member(json, "capture");
	SCOPED(free_ptr) char *total = human_count(json_number(capture, "events_total"));
	SCOPED(free_ptr) char *dropped = human_count(json_number(capture, "dropped_total"));
	SCOPED(free_ptr) char *source = cli_safe(capture, "source");
	SCOPED(free_ptr) char *ago = cli_ago(cli, json, "last_event");

	cli_line(cli, "last event", TAKE(ago));
	cli_line(cli, "capture",
		 human_print("%s, %s events, %.0f/s, %s lost", source, total,
			     json_number(capture, "events_per_s"), dropped));
	cli_line(cli, "gaps", human_print("%d", cJSON_GetArraySize(json_member(json, "gaps"))));
}

static void show_learning(struct cli *cli, const cJSON *json)
{
	const cJSON *profiles = json_member(json, "profiles");
	const cJSON *rules = json_member(json, "rules");
	SCOPED(free_ptr) char *bytes = human_bytes(json_number(profiles, "bytes"));

	cli_line(cli, "workloads",
		 human_print("%.0f, %.0f ready, %.0f new habits learned today, %s",
			     json_number(profiles, "workloads"), json_number(profiles, "ready"),
			     json_number(profiles, "learned_today"), bytes));
	cli_line(cli, "pending",
		 human_print("%.0f behaviours, %.0f quarantined", json_number(profiles, "pending"),
			     json_number(profiles, "quarantined")));
	cli_line(cli, "rules",
		 human_print("%.0f loaded, %.0f errors", json_number(rules, "loaded"),
			     json_number(rules, "errors")));
	cli_line(cli, "found",
		 human_print("%.0f deviations, rare or not; %.0f incidents",
			     json_number(json, "anomalies_total"),
			     json_number(json, "incidents_total")));
	cli_line(cli, "threshold", cli_duration(json, "threshold_s"));
}

static void show_cost(struct cli *cli, const cJSON *json)
{
	const cJSON *storage = json_member(json, "storage");
	const cJSON *memory = json_member(json, "memory");
	SCOPED(free_ptr) char *bytes = human_bytes(json_number(storage, "bytes"));
	SCOPED(free_ptr) char *ago = cli_ago(cli, storage, "last_checkpoint");
	SCOPED(free_ptr) char *pss = human_bytes(json_number(memory, "pss_bytes"));
	SCOPED(free_ptr) char *rings = human_bytes(json_number(memory, "ring_bytes"));

	cli_line(cli, "storage",
		 human_print("%s, checkpoint %s, %.0f queued, %.0f shed", bytes, ago,
			     json_number(storage, "queue"), json_number(storage, "shed_total")));
	cli_line(cli, "memory", human_print("%s and %s of rings", pss, rings));
	cli_line(cli, "CPU time", cli_duration(json, "cpu_s"));
}

/* What was evicted, shed or refused because a limit was hit; nothing on a well host. */
static void show_limits(struct cli *cli, const cJSON *json)
{
	static const struct {
		const char *part, *name, *label;
	} rows[] = {
		{"state", "evicted_total", "processes evicted"},
		{"state", "fds_evicted_total", "descriptors evicted"},
		{"profiles", "coarsened_total", "profiles coarsened"},
		{"profiles", "refused_total", "behaviours refused"},
		{"rules", "matches_dropped_total", "rule matches dropped"},
		{"rules", "suppressed_total", "alerts left out by their rule's rate"},
		{"storage", "errors_total", "failed writes"},
		{"api", "overload_total", "requests over the connection limit"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double n = json_number(json_member(json, rows[i].part), rows[i].name);

		if (n > 0)
			cli_line(cli, "limit hit", human_print("%.0f %s", n, rows[i].label));
	}
}

int cli_status(struct cli *cli)
{
	struct cli_path path;
	cJSON *json = NULL;
	int code;

	cli_path_init(&path, "/v1/status");
	code = cli_ask(cli, &path, &json);
	if (!json)
		return code;
	/* "Ago" by the daemon's clock, which stamps events. */
	time_parse(text_from(json_string(json, "now")), &cli->now_ns);
	cli_line(cli, "host", cli_safe(json, "host"));
	cli_line(cli, "version", cli_safe(json, "version"));
	cli_line(cli, "running for", cli_duration(json, "uptime_s"));
	show_capture(cli, json);
	show_learning(cli, json);
	show_cost(cli, json);
	show_limits(cli, json);
	cJSON_Delete(json);
	return 0;
}
