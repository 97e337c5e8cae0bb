//! The frames that the daemon (parent) and a plugin's worker process (child) exchange.
//!
//! A frame is a length of four bytes, little-endian, and a CBOR value of at most
//! [`FRAME_BYTES_MAX`](contract_model::limits::FRAME_BYTES_MAX) bytes. The parent sends [`ToWorker`], the
//! worker sends [`FromWorker`]. A worker handles one [`Run`] at a time; while it does, it may [`Ask`] and
//! blocks for the [`Answer`]. Every item of a run ends in exactly one [`Done`], in order.
//!
//! Invariant: handlers see copies. Nothing in a frame refers to memory of the other side.

mod ask;
mod codec;
mod depth;
mod done;
mod headers;
mod load;
mod run;

pub use ask::{Answer, Ask, Asked, FetchAnswer, FetchAsked, Known};
pub use codec::{FrameError, decode, encode, read_frame, write_frame};
pub use done::{
    AppError, Body, Continuation, Done, Draft, DraftEvent, Ended, Failure, FaultKind, LogLine, Position, Reserved,
    Response, Usage, Write,
};
pub use headers::HeaderLines;
pub use load::{
    Budget, CatchUp, CronDeclared, HookDeclared, HookTime, JobDeclared, JobOptions, License, Load, Module,
    OutcomeDeclared, Promised, PromisedCall, ProvideDeclared, RecordOperation, Registered, RouteDeclared, RouteOptions,
    SubscriptionDeclared, SubscriptionOptions, TestDeclared, TopicFacts, listed,
};
pub use run::{
    Auth, Call, ChangeRun, ChangedRun, Context, EventDelivery, Foreseen, Item, JobRun, LinkRun, OutcomeRun, Proposed,
    ProvidedCall, Run, VerbCall,
};

use serde::{Deserialize, Serialize};

/// What the parent sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first frame: what to run and within which limits.
    Load(Box<Load>),
    /// Work, one item after another.
    Run(Run),
    /// The reply to an [`Ask`].
    Answer(Answer),
}

/// What the worker sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The modules log this while they load. Nothing is answered.
    Said(LogLine),
    /// The entry module has run; this is what it registered.
    Ready(Registered),
    /// The plugin cannot be loaded.
    LoadFailed(Failure),
    /// A question of the running handler.
    Ask(Ask),
    /// The running item runs several hooks one after another, and the one of this place among those that the plugin
    /// registered begins now. Nothing is answered.
    At(u16),
    /// One item of the run is finished.
    Done(Box<Done>),
}
