//! What holds of every history, however its events arrive.
