//! Supervises workers, owns the unit of work and mediates every binding.
