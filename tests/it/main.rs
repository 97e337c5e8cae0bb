//! What the shipped binaries do, one module a property.

mod bad_input;
mod books;
mod bugs;
mod chaos;
mod check_cli;
mod contracts;
mod damage;
mod delivery;
mod docs;
mod fuzz;
mod hostile;
mod house;
mod isolation;
mod load;
mod metamorphic;
mod mutation;
mod permissions;
mod record_rules;
mod records;
mod references;
mod repeats;
mod smoke;
mod starts;
mod tenants;
mod trace;
mod units;
