//! What a run did, so that one that did too little is seen.

/// How much real work a run did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) handled: u64,
    pub(crate) steps: u64,
    pub(crate) failures: u64,
    pub(crate) dead: u64,
    pub(crate) expired: u64,
    pub(crate) parks: u64,
    pub(crate) crashes: u64,
    pub(crate) undos: u64,
    pub(crate) kills: u64,
    pub(crate) delays: u64,
    pub(crate) redelivered: u64,
    pub(crate) repeated: u64,
    pub(crate) loads: u64,
    pub(crate) full: u64,
    pub(crate) passed_over: u64,
    pub(crate) jumps: u64,
    pub(crate) not_parked: u64,
    pub(crate) waits: u64,
}

impl Work {
    pub(crate) fn add(&mut self, other: &Work) {
        self.handled += other.handled;
        self.steps += other.steps;
        self.failures += other.failures;
        self.dead += other.dead;
        self.expired += other.expired;
        self.parks += other.parks;
        self.crashes += other.crashes;
        self.undos += other.undos;
        self.kills += other.kills;
        self.delays += other.delays;
        self.redelivered += other.redelivered;
        self.repeated += other.repeated;
        self.loads += other.loads;
        self.full += other.full;
        self.passed_over += other.passed_over;
        self.jumps += other.jumps;
        self.not_parked += other.not_parked;
        self.waits += other.waits;
    }

    /// Those that only low limits lead to.
    pub(crate) fn tight(&self) -> [(&'static str, u64); 2] {
        [("keys that found no room to be parked", self.not_parked), ("reading that waited for tenants", self.waits)]
    }

    /// Branches that few seeds take and all together must.
    pub(crate) fn rare(&self) -> [(&'static str, u64); 12] {
        [
            ("dead letters", self.dead),
            ("expired events", self.expired),
            ("parked lanes", self.parks),
            ("crashes", self.crashes),
            ("undone flushes", self.undos),
            ("kills", self.kills),
            ("delayed events", self.delays),
            ("redeliveries", self.redelivered),
            ("repeated answers", self.repeated),
            ("full windows", self.full),
            ("events passed over", self.passed_over),
            ("jumps of the clock", self.jumps),
        ]
    }
}
