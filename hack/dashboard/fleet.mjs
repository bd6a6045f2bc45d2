// Writes twelve hours of what eight apps and two managers could show, in OpenMetrics, for promtool: rotations, one of them
// stuck, an app that was down, refusals. Nothing in it is random, so that the same picture comes of it.
const [end, hours, step, day] = [Number(process.argv[2]), 12, 30, 86400];

// Rotations by the minutes before the end: when a key is made, and how long it is published, promoted and drained.
const kanban = [685, 565, 445, 325, 205, 85].map((begin) => [begin, 1, 1.5, 20]);
const apps = [
  { app: "desk/tickets", version: 9, days: 30, rotations: [[55, 2, 3, 30]], pods: [3, 2] },
  { app: "hr/checklists", version: 4, days: 30, rotations: [[262, 1, 2, 60]], pods: [2, 1] },
  { app: "hr/onboarding", version: 4, days: 30, rotations: [[82, Infinity, 0, 0]], pods: [2, 2] },
  { app: "lab/kanban", version: 61, days: 1 / 12, rotations: kanban, pods: [1, 1] },
  { app: "lab/scratch", version: 1, days: 3, rotations: [], pods: [1, 1], down: [148, 124] },
  { app: "ledger/tasks", version: 7, days: 30, rotations: [[172, 3, 6, 60]], pods: [3, 2] },
  { app: "shop/todo", version: 14, days: 30, rotations: [[310, 2, 4, 60]], pods: [4, 3] },
  { app: "shop/todo-staging", version: 22, days: 7, rotations: [[640, 1, 2, 60]], pods: [1, 1] },
];
const refusals = {
  "TodoApp T1": [], "TodoApp T4": [318, 311, 40], "TodoApp T5": [226], "Deployment W1": [205, 201, 198, 66], "Deployment W3": [133],
};
const managers = { "10.42.0.17:8080": [1, 64e6], "10.42.1.9:8080": [0, 43e6] };
const rotationBuckets = [2, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600, 14400, 43200, Infinity];
const reconcileBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.25, 1.5, 2.5, 5, 10, 60, Infinity];

const at = (minutes) => end - minutes * 60;
const bound = (le) => (le === Infinity ? "+Inf" : le);
const lines = {}; // OpenMetrics wants the samples of a series together
const show = (t, name, labels, value) => {
  const text = Object.entries(labels).map(([key, label]) => `${key}="${label}"`).join(",");
  (lines[`${name}{${text}}`] ??= []).push(`${value} ${t}`);
};

// standing says where the rotation of an app is at a moment.
function standing({ rotations, version, days }, t) {
  const newest = rotations.filter(([begin]) => at(begin) <= t).length - 1;
  const [begin, publish, promote, drain] = rotations[newest] ?? [Infinity, 0, 0, 0];
  const since = (t - at(begin)) / 60;
  const [published, promoted, drained] = [publish, publish + promote, publish + promote + drain];
  const phase = since < published ? "Publishing" : since < promoted ? "Promoting" : since < drained ? "Draining" : "Stable";
  const active = phase === "Publishing" ? newest - 1 : newest;
  const created = active < 0 ? at(rotations[0]?.[0] ?? 0) - days * day : at(rotations[active][0]);
  const left = phase === "Publishing" ? 1 - since / published : phase === "Promoting" ? (promoted - since) / promote : 0;
  const waiting = Math.ceil((publish === Infinity ? 1 : 3) * left);
  const last = created + 60 * (active < 0 ? 3 : rotations[active][1]);
  const next = created + days * day;
  return { phase, waiting, created, last, next, started: at(begin), version: version - rotations.length + 1 + active };
}

function showApp(t, a, s, down) {
  const [app_namespace, app_name] = a.app.split("/");
  const gauge = (name, value, more = {}) => show(t, `todoapp_${name}`, { app_namespace, app_name, ...more }, Number(value));
  gauge("condition", !down, { type: "Ready" });
  gauge("condition", true, { type: "SourceValid" });
  for (const phase of ["Stable", "Publishing", "Promoting", "Draining"]) gauge("rotation_phase", phase === s.phase, { phase });
  gauge("status_current", 1);
  gauge("active_key_version", s.version);
  gauge("active_key_created_timestamp_seconds", s.created);
  gauge("rotation_waiting", s.waiting);
  if (s.phase !== "Stable") gauge("rotation_started_timestamp_seconds", s.started);
  if (a.rotations.length > 0) gauge("rotation_next_timestamp_seconds", s.next);
  if (s.version > 1) gauge("rotation_last_timestamp_seconds", s.last);
  const retiring = Number(s.phase === "Promoting" || s.phase === "Draining");
  gauge("keys", s.phase === "Publishing", { state: "Published" });
  gauge("keys", 1, { state: "Active" });
  gauge("keys", retiring, { state: "Retiring" });
  gauge("keys", Math.min(s.version - 1 - retiring, 4), { state: "Archived" });
  gauge("ready_replicas", a.pods[0] - Number(s.phase === "Promoting" && s.waiting === 2), { component: "frontend" });
  gauge("ready_replicas", down ? 0 : a.pods[1], { component: "backend" });
}

const counts = { success: 0, requeue_after: 0, error: 0, requeue: 0 };
for (let t = end - hours * 3600; t <= end; t += step) {
  counts.success += 4 + 2 * Math.abs(Math.sin(t / 1700));
  for (const a of apps) {
    const s = standing(a, t);
    const down = Boolean(a.down) && at(a.down[0]) <= t && t < at(a.down[1]);
    showApp(t, a, s, down);
    counts.success += s.phase === "Promoting" ? 40 : s.phase === "Publishing" && s.waiting > 1 ? 20 : 0;
    counts.requeue_after += Number(s.waiting > 0); // each asks a pod that does not answer yet
    counts.error += down ? 0.5 : 0;
  }
  for (const [result, count] of Object.entries(counts)) {
    show(t, "controller_runtime_reconcile_total", { controller: "todoapp", result }, Math.round(count));
  }
  for (const le of reconcileBuckets) {
    const quick = counts.success * (1 - Math.exp(-le / 0.012)) + Number(le > 1) * counts.requeue_after;
    show(t, "controller_runtime_reconcile_time_seconds_bucket", { controller: "todoapp", le: bound(le) }, Math.round(quick));
  }
  const ended = apps.flatMap((a) => a.rotations).filter(([begin, publish, promote]) => at(begin - publish - promote) <= t);
  for (const le of rotationBuckets) {
    const within = ended.filter(([, publish, promote]) => (publish + promote) * 60 <= le);
    show(t, "todoapp_rotation_duration_seconds_bucket", { le: bound(le) }, within.length);
  }
  for (const [rule, minutes] of Object.entries(refusals)) {
    const labels = { kind: rule.split(" ")[0], rule: rule.split(" ")[1] };
    show(t, "todoapp_admission_refusals_total", labels, minutes.filter((m) => at(m) <= t).length);
  }
  for (const [instance, [leads, memory]] of Object.entries(managers)) {
    show(t, "leader_election_master_status", { name: "todoapp-operator", instance }, leads);
    show(t, "todoapp_webhook_certificate_expiry_timestamp_seconds", { instance }, end + 71 * day);
    show(t, "process_resident_memory_bytes", { instance }, Math.round(memory * (1 + 0.02 * Math.sin(t / 2900))));
  }
}
for (const [series, samples] of Object.entries(lines)) for (const sample of samples) console.log(`${series} ${sample}`);
console.log("# EOF");
