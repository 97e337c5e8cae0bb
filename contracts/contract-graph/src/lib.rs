//! The publisher/subscriber graph of a suite: who is heard by whom, and what is live.
