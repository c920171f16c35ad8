//! bullwhip
