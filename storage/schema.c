#include "storage/schema.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"
#include "storage/database.h"

/* Times are ns since the epoch; workload, incident and fingerprint hold 64 unsigned bits; 0 in
 * incident or workload: none. Texts of strangers are bytes (columns of type BLOB hold whatever is
 * put in) unless they sit inside a JSON document. */
static const char version_1[] =
	/* Values kept across restarts. */
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	/* What baselines learned since their images. */
	"CREATE TABLE journal(id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL,"
	" workload INTEGER NOT NULL, bytes BLOB NOT NULL);"
	"CREATE TABLE images(kind TEXT NOT NULL, workload INTEGER NOT NULL,"
	" sequence INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE(kind, workload));"
	/* Texts of behaviours: the baseline itself only keeps fingerprints. */
	"CREATE TABLE behaviours(workload INTEGER NOT NULL, dimension TEXT NOT NULL,"
	" fingerprint INTEGER NOT NULL, key TEXT NOT NULL, first_ns INTEGER NOT NULL,"
	" PRIMARY KEY(workload, dimension, fingerprint)) WITHOUT ROWID;"
	/* Rows narrow, for filters; the JSON documents beside them. */
	"CREATE TABLE anomalies(id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, occurrences INTEGER NOT NULL, workload INTEGER NOT NULL,"
	" dimension TEXT NOT NULL, state INTEGER NOT NULL, above INTEGER NOT NULL,"
	" return_period_s REAL NOT NULL, incident INTEGER NOT NULL);"
	"CREATE INDEX anomalies_by_time ON anomalies(above, time_ns);"
	"CREATE INDEX anomalies_by_surprise ON anomalies(above, return_period_s);"
	"CREATE INDEX anomalies_by_workload ON anomalies(workload, above, time_ns);"
	"CREATE INDEX anomalies_by_incident ON anomalies(incident) WHERE incident != 0;"
	"CREATE TABLE anomaly_documents(id INTEGER PRIMARY KEY, document TEXT NOT NULL);"
	"CREATE TABLE incidents(id INTEGER PRIMARY KEY, from_ns INTEGER NOT NULL,"
	" to_ns INTEGER NOT NULL, is_open INTEGER NOT NULL, workload INTEGER NOT NULL,"
	" return_period_s REAL NOT NULL, document TEXT NOT NULL);"
	"CREATE INDEX incidents_by_time ON incidents(from_ns, to_ns, is_open, workload,"
	" return_period_s);"
	"CREATE TABLE alerts(id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL,"
	" priority INTEGER NOT NULL, rule BLOB NOT NULL, source BLOB NOT NULL,"
	" workload INTEGER NOT NULL, workload_name BLOB NOT NULL, incident INTEGER NOT NULL,"
	" pid INTEGER NOT NULL, start_ns INTEGER NOT NULL, tags BLOB NOT NULL,"
	" message BLOB NOT NULL, output_fields TEXT NOT NULL);"
	"CREATE INDEX alerts_by_time ON alerts(time_ns);"
	"CREATE INDEX alerts_by_rule ON alerts(rule, time_ns);"
	"CREATE INDEX alerts_by_workload ON alerts(workload, time_ns);"
	"CREATE INDEX alerts_by_incident ON alerts(incident) WHERE incident != 0;"
	/* Spans in which something was not seen. */
	"CREATE TABLE gaps(id INTEGER PRIMARY KEY, from_ns INTEGER NOT NULL,"
	" to_ns INTEGER NOT NULL, reason BLOB NOT NULL, events INTEGER NOT NULL);"
	"CREATE INDEX gaps_by_end ON gaps(to_ns);";

/* Gaps that grow, of which the events may be unknown, with parts in a JSON object. */
static const char version_2[] =
	"CREATE TABLE new_gaps(id INTEGER PRIMARY KEY, from_ns INTEGER NOT NULL,"
	" to_ns INTEGER NOT NULL, reason BLOB NOT NULL, events INTEGER, detail TEXT);"
	"INSERT INTO new_gaps SELECT id, from_ns, to_ns, reason, nullif(events, 0), NULL FROM gaps;"
	"DROP TABLE gaps;"
	"ALTER TABLE new_gaps RENAME TO gaps;"
	"CREATE INDEX gaps_by_end ON gaps(to_ns);";

/* Events for explain and what-if: one row an event, whatever it belongs to. */
static const char version_3[] =
	/* to_ns of one that lasts: the largest integer. */
	"CREATE TABLE spans(id INTEGER PRIMARY KEY, from_ns INTEGER NOT NULL,"
	" to_ns INTEGER NOT NULL, hash INTEGER NOT NULL);"
	"CREATE TABLE span_documents(hash INTEGER PRIMARY KEY, document TEXT NOT NULL);"
	"CREATE TABLE events(id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL,"
	" workload INTEGER NOT NULL, workload_name BLOB NOT NULL, type BLOB NOT NULL,"
	" nr INTEGER NOT NULL, reason INTEGER NOT NULL, span INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, fields BLOB NOT NULL, cut TEXT NOT NULL);"
	"CREATE INDEX events_by_time ON events(time_ns, id, bytes);"
	"CREATE TABLE event_owners(letter TEXT NOT NULL, owner INTEGER NOT NULL,"
	" event INTEGER NOT NULL, PRIMARY KEY(letter, owner)) WITHOUT ROWID;"
	"CREATE INDEX event_owners_by_event ON event_owners(event);"
	/* Of rules that fired, as they were. */
	"CREATE TABLE conditions(hash INTEGER PRIMARY KEY, last_ns INTEGER NOT NULL,"
	" rule BLOB NOT NULL, condition BLOB NOT NULL);"
	"ALTER TABLE alerts ADD COLUMN condition INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX alerts_by_condition ON alerts(condition) WHERE condition != 0;";

static const char *const steps[] = {version_1, version_2, version_3};

const struct schema schema_current = {steps, ARRAY_SIZE(steps)};

static int apply_step(sqlite3 *db, const char *path, const struct schema *schema, int from)
{
	char set_version[64];
	int r;

	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d; COMMIT", from + 1);
	r = database_exec(db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = database_exec(db, schema->steps[from]);
	if (r == 0)
		r = database_exec(db, set_version);
	if (r) {
		log_err_r(r, "database '%s': cannot migrate to schema version %d: %s", path,
			  from + 1, sqlite3_errmsg(db));
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

int schema_refuse_newer(sqlite3 *db, const char *path, const struct schema *schema)
{
	int64_t version = 0;

	if (database_get(db, "PRAGMA user_version", &version) ||
	    (version <= schema->n_steps && version >= 0))
		return 0;
	log_err("database '%s': written by a newer Ethogram (schema version %lld, this program "
		"knows %d): run the newer program, or choose another storage.path",
		path, (long long)version, schema->n_steps);
	return -EPROTO;
}

int schema_migrate(sqlite3 *db, const char *path, const struct schema *schema)
{
	int64_t version;
	int r = schema_refuse_newer(db, path, schema);

	if (r)
		return r;
	r = database_get(db, "PRAGMA user_version", &version);
	if (r)
		return log_err_r(r, "database '%s': cannot read its version: %s", path,
				 sqlite3_errmsg(db));
	for (int from = (int)version; from < schema->n_steps; from++) {
		r = apply_step(db, path, schema, from);
		if (r)
			return r;
	}
	return 0;
}
