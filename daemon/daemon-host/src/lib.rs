//! Supervises workers, owns the unit of work and mediates every binding.
//!
//! Reading order: `api` says what goes in and out; `host` starts everything; `pool`, `lane` and `worker`
//! bring a call into a process; `session` and `reader` answer its questions; `settle` and `stamp` turn its
//! result into one decision of the store; `conductor` feeds the bus; `jobs` are events with a due time; `asks` and
//! `story` read the log; `records` serves clients who ask for records, without any plugin's code; `facts` and
//! `observed` say how plugins are wired, as read and as seen; `rehearsal` is what tests of plugins drive.
//!
//! Invariant: plugin code never runs here, only in worker processes (W5). Effects reach the store in one
//! decision a unit of work, and nobody is answered before it is synced.

mod api;
mod asks;
mod breaker;
mod budget;
mod capability;
mod chance;
mod clock;
mod complaints;
mod conductor;
mod contracts;
mod destination;
mod embedded;
mod facts;
mod fault;
mod fetching;
mod foresight;
mod held;
mod hooks;
mod host;
mod jobs;
mod lane;
mod late;
mod letters;
mod links;
mod live;
mod meter;
mod next;
mod observed;
mod order;
mod outcome;
mod outside;
mod plugin;
mod pool;
mod providing;
mod quotas;
mod reader;
mod records;
mod rehearsal;
mod reload;
mod repeat;
mod replay;
mod reply;
mod reservations;
mod retention;
mod routes;
mod running;
mod secret;
mod session;
mod settings;
mod settle;
mod spoken;
mod stamp;
mod start;
mod story;
mod subscribe;
mod task;
mod traces;
mod usage;
mod waiting;
mod worker;

pub use api::{
    DeadLetterView, ExternalEvent, HostError, Identity, Outcome, PluginState, PluginStatus, Published, ReplyBody,
    Route, StoryNode, StoryPage, VerbReply, VerbRequest,
};
pub use asks::EventQuery;
pub use budget::{LimitSource, LimitView, PluginLimits};
pub use contracts::SuiteTerms;
pub use embedded::Embedded;
pub use host::{Host, HostConfig, Submitted};
pub use jobs::{JobQuery, JobState, JobView, JobsPage, ScheduleView};
pub use letters::{DeadLetterQuery, DeadLettersPage, Taken};
pub use meter::{HostMetrics, PluginMetrics, UnitMetrics};
pub use outside::{AskedOutside, Outside, StubAnswer};
pub use quotas::QuotaView;
pub use records::{
    Changed, Expansion, Expected, Operation, RecordCaller, RecordChange, RecordPage, RecordQuery, ReservationView,
    ReserveRequest,
};
pub use rehearsal::{Given, Rehearsal, file_of_tests};
pub use reload::{Reload, Reloaded};
pub use replay::{Replay, ReplayFrom, ReplayRequest};
pub use retention::{Claim, Compaction};
pub use routes::RouteSet;
pub use settings::{Settings, Wish};
pub use usage::{HandlerUsage, Registration, RegistrationKind, Used};
pub use worker::{EXIT_MEMORY, WorkerCommand};

pub use daemon_store::EventsPage;
