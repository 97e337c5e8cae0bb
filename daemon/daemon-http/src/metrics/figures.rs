//! The figures of one moment, as series.

use crate::api::Api;
use crate::error::ApiResult;
use crate::meter::{ReadMeter, RouteFigures};
use contract_model::limits::STORE_HIGH_WATER_PERCENT;
use daemon_host::{HostMetrics, PluginMetrics, Used};
use daemon_store::{Distribution, Metrics, Stats};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Label names with their values.
type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
pub(super) struct Figures {
    routes: Vec<(Labels, u64)>,
    seconds: Vec<(Labels, Distribution)>,
    refused: Vec<(Labels, u64)>,
    bodies_bytes: u64,
    answers_bytes: u64,
    host: HostMetrics,
    store: Metrics,
    stats: Stats,
    /// Backups taken, failed and ended for their time, and when the last one was taken, milliseconds since 1970.
    backups: [u64; 4],
    /// The same of exports.
    exports: [u64; 4],
}

impl Figures {
    pub(super) fn of(api: &Api) -> ApiResult<Self> {
        let (mut routes, mut seconds) = (Vec::new(), Vec::new());
        for RouteFigures { route, answers, seconds: took } in api.meter.routes() {
            for ((method, status), count) in answers {
                let labels = vec![("route", route.clone()), ("method", text(method)), ("status", status.to_string())];
                routes.push((labels, count));
            }
            seconds.push((vec![("route", route)], took));
        }
        let refusal =
            |((code, limit), count): ((&str, &str), u64)| (vec![("code", text(code)), ("limit", text(limit))], count);
        let refused = api.meter.refusals().into_iter().map(refusal).collect();
        let (store, stats) = (api.store.metrics(), api.store.stats()?);
        let read = |meter: &ReadMeter| {
            [&meter.taken, &meter.failed, &meter.too_long, &meter.last_ms].map(|one| one.load(Relaxed))
        };
        let (backups, exports) = (read(&api.backups), read(&api.exports));
        let (host, bodies_bytes, answers_bytes) = (api.backend.metrics(), api.bodies.taken(), api.answers.taken());
        Ok(Self { routes, seconds, refused, bodies_bytes, answers_bytes, host, store, stats, backups, exports })
    }

    fn of_plugins(&self, out: &mut Out<'_>) -> fmt::Result {
        let plugins = &self.host.plugins;
        let each = |value: fn(&PluginMetrics) -> u64| {
            plugins.iter().map(move |plugin| (vec![("plugin", plugin.slug.clone())], value(plugin))).collect::<Vec<_>>()
        };
        let units = plugins.iter().flat_map(|plugin| {
            plugin.units.iter().map(|unit| {
                let labels = [("plugin", plugin.slug.clone()), ("kind", text(unit.kind)), ("end", text(unit.end))];
                (labels.to_vec(), unit.seconds.clone())
            })
        });
        let help = "Units of work by plugin, kind (verb, event, job, change, capability, link) and end (settled, rerun, failed, lost): time in the worker and in the store's decision.";
        out.histogram("trunkline_unit_seconds", help, units)?;
        out.gauge("trunkline_plugin_queue", "Calls and events that wait for a worker.", each(|p| p.queue))?;
        out.gauge(
            "trunkline_plugin_paused",
            "Whether the breaker of a plugin is open.",
            each(|p| u64::from(p.is_paused)),
        )?;
        out.gauge("trunkline_workers", "Worker processes.", each(|p| p.workers))?;
        out.counter("trunkline_worker_starts", "Worker processes started.", each(|p| p.worker_starts))?;
        out.counter("trunkline_worker_faults", "Workers lost by their plugin's own fault.", each(|p| p.worker_faults))?;
        out.counter(
            "trunkline_events_dead",
            "Events that a plugin's subscriptions gave up.",
            each(|p| p.dead_letters),
        )?;
        let reservations = plugins.iter().flat_map(|plugin| {
            let row =
                |(state, count): &(&str, u64)| (vec![("plugin", plugin.slug.clone()), ("state", text(state))], *count);
            plugin.reservations.iter().filter(|(_, count)| *count > 0).map(row).collect::<Vec<_>>()
        });
        let help = "Reservations by plugin and what became of them (held, confirmed, released, expired).";
        out.counter("trunkline_reservations", help, reservations.collect::<Vec<_>>())?;
        let fetches = plugins.iter().flat_map(|plugin| {
            let counted = plugin.fetches.iter().filter(|(_, count)| *count > 0);
            counted.map(|(end, count)| (vec![("plugin", plugin.slug.clone()), ("end", text(end))], *count))
        });
        let help = "Fetches of a plugin from hosts outside, by end (answered, failed).";
        out.counter("trunkline_fetches", help, fetches.collect::<Vec<_>>())?;
        self.of_usage(out)?;
        let help = "Calls of a plugin refused for want of a permission.";
        out.counter("trunkline_permission_denied", help, each(|p| p.permission_denied))
    }

    fn of_usage(&self, out: &mut Out<'_>) -> fmt::Result {
        let sums = |value: fn(&Used) -> u64| {
            let rows = self.host.plugins.iter().flat_map(move |plugin| {
                plugin.used.iter().map(move |(tenant, used)| {
                    (vec![("plugin", plugin.slug.clone()), ("tenant", tenant.clone())], value(used))
                })
            });
            rows.collect::<Vec<_>>()
        };
        for (name, help, value) in USED {
            out.counter(name, help, sums(*value))?;
        }
        for (name, help, micros) in USED_MICROS {
            out.seconds(name, help, sums(*micros))?;
        }
        let help = "Heap of a plugin's workers after a call, the most by tenant.";
        out.gauge("trunkline_plugin_heap_bytes", help, sums(|used| used.heap_bytes))?;
        let met = self.host.plugins.iter().flat_map(|plugin| {
            let row =
                |(limit, count): &(&str, u64)| (vec![("plugin", plugin.slug.clone()), ("limit", text(limit))], *count);
            plugin.limits_met.iter().map(row).collect::<Vec<_>>()
        });
        let help = "Calls of a plugin that met a limit of its calls, by limit.";
        out.counter("trunkline_plugin_limits_met", help, met.collect::<Vec<_>>())
    }

    fn of_events(&self, out: &mut Out<'_>) -> fmt::Result {
        let rows = |edges: &[(String, String, u64)]| {
            let labelled = edges
                .iter()
                .map(|(plugin, topic, count)| (vec![("plugin", plugin.clone()), ("topic", topic.clone())], *count));
            labelled.collect::<Vec<_>>()
        };
        out.counter("trunkline_events_published", "Events that plugins published.", rows(&self.host.published))?;
        out.counter("trunkline_events_handled", "Events that plugins have handled.", rows(&self.host.handled))?;
        let standing = self.host.subscriptions.iter();
        let states = standing.clone().flat_map(|(name, gauges)| {
            let states = [
                ("held", gauges.pending),
                ("in-flight", gauges.in_flight),
                ("retrying", gauges.retrying),
                ("delayed", gauges.delayed),
                ("parked", gauges.parked),
                ("tenants-behind", gauges.tenants_behind),
            ];
            let row =
                move |(state, count)| (vec![("subscription", name.clone()), ("state", text(state))], count as u64);
            states.map(row)
        });
        let help = "Events that a subscription holds, of those in flight, keys that wait for a retry, events that wait for their time, keys that wait for an operator, and tenants that have left events in the log.";
        out.gauge("trunkline_subscription", help, states.collect::<Vec<_>>())?;
        let halted = standing.clone();
        let halted = halted.map(|(name, gauges)| (vec![("subscription", name.clone())], u64::from(gauges.halted)));
        let help = "Whether a subscription stands still, since more keys of it wait for an operator than may.";
        out.gauge("trunkline_subscription_halted", help, halted.collect::<Vec<_>>())?;
        let met = self.host.subscription_limits_met.iter().map(|(limit, count)| (vec![("limit", text(limit))], *count));
        let help = "How often a limit of a subscription was met and something waits for it.";
        out.counter("trunkline_subscription_limits_met", help, met.collect::<Vec<_>>())?;
        let behind = standing.map(|(name, gauges)| (vec![("subscription", name.clone())], u64::from(gauges.behind)));
        let help = "Whether a subscription has left events in the log for want of room.";
        out.gauge("trunkline_subscription_behind", help, behind.collect::<Vec<_>>())?;
        let refusals = self.host.quota_refusals.iter().map(|(limit, count)| (vec![("limit", text(limit))], *count));
        let help = "Calls and publications that a quota refused.";
        out.counter("trunkline_quota_refusals", help, refusals.collect::<Vec<_>>())?;
        let reruns = "Units of work that ran again because they met others.";
        out.counter("trunkline_unit_reruns", reruns, one(self.host.reruns))?;
        let changes = "Changes of records over REST, by their time until they were on disk.";
        out.histogram("trunkline_record_change_seconds", changes, [(Labels::new(), self.host.record_changes.clone())])
    }

    fn of_traces(&self, out: &mut Out<'_>) -> fmt::Result {
        let traces = self.host.traces;
        out.counter("trunkline_trace_spans_exported", "Spans that the collector has taken.", one(traces.exported))?;
        out.counter("trunkline_trace_spans_failed", "Spans that the collector has not taken.", one(traces.failed))?;
        let help = "Spans that the collector threw away of an export that it has taken.";
        out.counter("trunkline_trace_spans_rejected", help, one(traces.rejected))?;
        let help = "Spans that found no room in the queue.";
        out.counter("trunkline_trace_spans_dropped", help, one(traces.dropped))?;
        out.gauge("trunkline_trace_spans_waiting", "Spans that wait for their export.", one(traces.waiting))
    }

    fn of_retention(&self, out: &mut Out<'_>) -> fmt::Result {
        let (looked_at, owed) = &self.host.retention;
        let help = "Events that retention has looked at.";
        out.counter("trunkline_retention_looked_at_events", help, one(*looked_at))?;
        let owed = owed.iter().map(|(claim, count)| (vec![("claim", text(claim))], *count));
        let help = "How often an event was kept beyond its time, being still owed, by what for.";
        out.counter("trunkline_retention_owed_events", help, owed)
    }

    fn of_store(&self, out: &mut Out<'_>) -> fmt::Result {
        let (store, stats) = (&self.store, &self.stats);
        let batches = "Flushes by the units of work that they brought to disk.";
        out.histogram("trunkline_store_batch_units", batches, [(Labels::new(), store.batch_units.clone())])?;
        out.histogram("trunkline_store_flush_seconds", "Flushes.", [(Labels::new(), store.flush_seconds.clone())])?;
        out.counter("trunkline_store_flushes_undone", "Flushes that failed and were undone.", one(store.undone))?;
        out.gauge("trunkline_store_queue_units", "Units of work decided and not yet on disk.", one(store.queue_units))?;
        out.histogram(
            "trunkline_store_move_seconds",
            "Moves from the log into the map.",
            [(Labels::new(), store.move_seconds.clone())],
        )?;
        out.counter("trunkline_store_moved_entries", "Entries moved into the map.", one(store.moved_entries))?;
        let help = "Events of which only their place in the chain was left: kept long enough, or of an erased tenant.";
        out.counter("trunkline_store_events_compacted", help, one(store.compacted))?;
        let given_up = store.queries_given_up.iter().map(|(limit, count)| (vec![("limit", text(limit))], *count));
        let help = "Queries that were given up, by the limit that they met: of plugins, whatever they make of it, and over REST.";
        out.counter("trunkline_store_queries_given_up", help, given_up)?;
        let cut = store.pages_cut_short.iter().map(|(limit, count)| (vec![("limit", text(limit))], *count));
        let help = "Pages of events, dead letters and jobs that ended before they were full and said where to go on, by the limit that they met.";
        out.counter("trunkline_store_pages_cut_short", help, cut)?;
        out.gauge("trunkline_store_log_bytes", "What the log holds beyond the map.", one(store.log_bytes))?;
        out.gauge("trunkline_store_events", "Events in the log.", one(stats.events))?;
        out.gauge("trunkline_store_used_bytes", "Bytes of pages in use.", one(stats.used_bytes))?;
        let help = "Bytes of the store's file; what is beyond those in use is free, or kept for a backup or export that is being read.";
        out.gauge("trunkline_store_file_bytes", help, one(stats.file_bytes))?;
        let help = "Bytes of free pages that are kept for whoever still reads an older state of the store.";
        out.gauge("trunkline_store_kept_bytes", help, one(stats.kept_bytes))?;
        let help = "For how long the oldest of those keeps them; 0 if nobody does.";
        out.gauge("trunkline_store_kept_seconds", help, one(stats.kept_ms / 1_000))?;
        out.gauge("trunkline_store_map_bytes", "Bytes that the store may grow to.", one(stats.map_bytes))?;
        let high = "Bytes in use at which what grows the store is refused.";
        out.gauge("trunkline_store_high_water_bytes", high, one(stats.map_bytes / 100 * STORE_HIGH_WATER_PERCENT))?;
        let ([taken, failed, late, last_ms], [exported, broken, overdue, _]) = (self.backups, self.exports);
        out.counter("trunkline_store_backups", "Backups that were read to their end.", one(taken))?;
        out.counter("trunkline_store_backups_failed", "Backups that broke off.", one(failed))?;
        out.counter("trunkline_store_exports", "Exports that were read to their end.", one(exported))?;
        out.counter("trunkline_store_exports_failed", "Exports that broke off.", one(broken))?;
        let help = "Backups and exports among those that broke off that had read the store for longer than they might.";
        let late = [("backup", late), ("export", overdue)].map(|(what, count)| (vec![("what", text(what))], count));
        out.counter("trunkline_store_read_too_long", help, late)?;
        let last = "When the last backup was read to its end, in seconds since 1970; 0 if there was none.";
        out.gauge("trunkline_store_backup_last_timestamp_seconds", last, one(last_ms / 1000))?;
        let entries = stats.entries.iter().map(|(keyspace, count)| (vec![("keyspace", text(keyspace))], *count));
        out.gauge("trunkline_store_entries", "Entries on disk, dead letters among them, by keyspace.", entries)
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        let build = vec![("version", text(env!("CARGO_PKG_VERSION")))];
        out.gauge("trunkline_build_info", "Always 1; its label tells the version.", [(build, 1)])?;
        out.counter("trunkline_http_requests", "Answers by route, method and status.", self.routes.clone())?;
        let seconds = "Time from a request's head to its answer's head.";
        out.histogram("trunkline_http_request_seconds", seconds, self.seconds.clone())?;
        let refused = "Refusals by code and, where one is the cause, limit.";
        out.counter("trunkline_refused", refused, self.refused.clone())?;
        let bodies = "What the bodies that are being read and answered take in memory, as reckoned.";
        out.gauge("trunkline_http_bodies_bytes", bodies, one(self.bodies_bytes))?;
        let answers = "What answers that clients have not taken yet take in memory, as reckoned.";
        out.gauge("trunkline_http_answers_bytes", answers, one(self.answers_bytes))?;
        self.of_plugins(&mut out)?;
        self.of_events(&mut out)?;
        self.of_retention(&mut out)?;
        self.of_traces(&mut out)?;
        self.of_store(&mut out)
    }
}

/// What calls used, by plugin and tenant: name, help and value.
type UsedSeries = (&'static str, &'static str, fn(&Used) -> u64);
const USED: &[UsedSeries] = &[
    ("trunkline_plugin_calls", "Calls of a plugin by tenant.", |used| used.calls),
    ("trunkline_plugin_events", "Events that a plugin's calls wanted published by tenant.", |used| used.events),
    ("trunkline_plugin_records", "Records that a plugin's calls changed by tenant.", |used| used.records),
    ("trunkline_plugin_records_read", "Records that a plugin's calls read by tenant.", |used| used.records_read),
    ("trunkline_plugin_questions", "Questions that a plugin's calls asked of the daemon by tenant.", |used| {
        used.questions
    }),
    ("trunkline_plugin_bytes_out", "Bytes that a plugin's calls handed back by tenant.", |used| used.bytes_out),
    ("trunkline_plugin_log_lines", "Lines that a plugin's calls logged by tenant.", |used| used.log_lines),
];

/// The same for times, in microseconds; they are told in seconds, as is usual.
const USED_MICROS: &[UsedSeries] = &[
    ("trunkline_plugin_wall_seconds", "Time of a plugin's calls in its workers by tenant.", |used| used.wall_us),
    ("trunkline_plugin_cpu_seconds", "Processor time of a plugin's calls by tenant.", |used| used.cpu_us),
];

/// Writes families of series.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn counter(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        self.family(name, help, MetricType::Counter, rows, |row, value| {
            row.encode_counter::<NoLabelSet, u64, u64>(&value, None)
        })
    }

    /// A counter of microseconds, told in seconds.
    fn seconds(&mut self, name: &str, help: &str, micros: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        self.family(name, help, MetricType::Counter, micros, |row, micros| {
            let seconds = Duration::from_micros(micros).as_secs_f64();
            row.encode_counter::<NoLabelSet, f64, u64>(&seconds, None)
        })
    }

    fn gauge(&mut self, name: &str, help: &str, rows: impl IntoIterator<Item = (Labels, u64)>) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, rows, |row, value| row.encode_gauge(&value))
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, Distribution)>,
    ) -> fmt::Result {
        self.family(name, help, MetricType::Histogram, rows, |row, mut read| {
            if let Some(last) = read.buckets.last_mut() {
                // What the encoder takes for infinite.
                last.0 = f64::MAX;
            }
            row.encode_histogram::<NoLabelSet>(read.sum, read.count, &read.buckets, None)
        })
    }

    fn family<V>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: impl IntoIterator<Item = (Labels, V)>,
        write: impl Fn(&mut MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        rows.into_iter().try_for_each(|(labels, value)| {
            // No labels are written as no braces.
            if labels.is_empty() {
                write(&mut family, value)
            } else {
                write(&mut family.encode_family(&labels)?, value)
            }
        })
    }
}

fn one(value: u64) -> [(Labels, u64); 1] {
    [(Labels::new(), value)]
}

fn text(value: &str) -> String {
    value.to_owned()
}
