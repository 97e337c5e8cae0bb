//! Workers as their parent sees them: frames in, frames out.

mod agreement;
mod ahead;
mod answers;
mod calls;
mod capabilities;
mod confined;
mod dao;
mod events;
mod harness;
mod hostile;
mod layers;
mod loading;
mod misuse;
mod surface;
