"use strict";

/* Everything shown comes from strangers' processes: only textContent is ever set. */

const EVERY_MS = 2000;
let token = sessionStorage.getItem("token");

const find = (id) => document.getElementById(id);

async function ask(path) {
	const headers = token ? { Authorization: "Bearer " + token } : {};
	const response = await fetch(path, { headers, cache: "no-store" });

	if (response.status === 401) {
		token = null;
		sessionStorage.removeItem("token");
		find("token-form").hidden = false;
	}
	if (!response.ok) {
		const problem = await response.json().catch(() => ({}));
		throw new Error(problem.detail || "HTTP " + response.status);
	}
	return response.json();
}

/* "45 s", "12 min", "3.4 h", "2.5 days", "1.2 years" */
function duration(seconds) {
	if (seconds === null || seconds === undefined)
		return "unknown";
	const units = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"],
		[86400 * 365, 86400, "days"], [Infinity, 86400 * 365, "years"]];
	const [, size, name] = units.find(([limit]) => seconds < limit);
	const value = seconds / size;

	return (value < 10 && size > 60 ? value.toFixed(1) : value.toFixed(0)) + " " + name;
}

function ago(time, now) {
	if (!time)
		return "never";
	return duration(Math.max(0, (Date.parse(now) - Date.parse(time)) / 1000)) + " ago";
}

function fill(id, rows) {
	const body = document.querySelector("#" + id + " tbody");

	body.replaceChildren(...rows.map((cells) => {
		const row = document.createElement("tr");

		cells.forEach((text, index) => {
			const cell = document.createElement("td");

			cell.textContent = text;
			if (index < 3)
				cell.className = "short";
			row.append(cell);
		});
		return row;
	}));
	find(id + "-none").hidden = rows.length > 0;
}

function anomalyRow(anomaly, now) {
	return [anomaly.id, ago(anomaly.last_seen, now), duration(anomaly.return_period_s),
		anomaly.workload.name, anomaly.dimension + ": " + anomaly.key.join("  "),
		anomaly.reason];
}

function workloadRow(workload) {
	const eta = workload.ready_eta_s;

	return [workload.name, workload.state,
		workload.coverage === null ? "unknown" : (100 * workload.coverage).toFixed(1) + " %",
		duration(workload.basis_s), String(workload.behaviours), String(workload.pending),
		eta ? duration(eta.low) + " to " + duration(eta.high) : ""];
}

function showStatus(status) {
	const line = find("status");

	line.className = "";
	line.textContent = [
		status.host,
		"last event " + ago(status.last_event, status.now),
		status.capture.events_per_s.toFixed(0) + " events/s",
		status.capture.dropped_total + " lost",
		status.profiles.ready + " of " + status.profiles.workloads + " workloads ready",
		status.profiles.learned_today + " new habits learned today",
		"threshold " + duration(status.threshold_s),
	].join(" · ");
}

async function refresh() {
	try {
		const [status, anomalies, below, workloads] = await Promise.all([
			ask("/v1/status"), ask("/v1/anomalies?limit=50"),
			ask("/v1/anomalies?below_threshold=true&limit=10"),
			ask("/v1/workloads?limit=200"),
		]);

		find("token-form").hidden = true;
		showStatus(status);
		fill("anomalies", anomalies.items.map((a) => anomalyRow(a, status.now)));
		fill("below", below.items.map((a) => anomalyRow(a, status.now)));
		fill("workloads", workloads.items.map(workloadRow));
	} catch (error) {
		find("status").className = "ill";
		find("status").textContent = "No answer: " + error.message;
	}
	setTimeout(refresh, EVERY_MS);
}

find("token-form").addEventListener("submit", (event) => {
	event.preventDefault();
	token = find("token").value;
	sessionStorage.setItem("token", token);
	find("token").value = "";
});

refresh();
