//! Which threads come first where the processor is short: those that answer a storefront, then those that work off what
//! was accepted.

/// The nice value of a thread that gives way: a third of the share of one that does not, so that the backlog goes on being
/// worked off whatever comes in. With processors to spare it makes no difference.
#[cfg(target_os = "linux")]
const GIVES_WAY: i32 = 5;

/// Has the calling thread, and those that it starts from now on, give way to the process's others.
pub fn give_way() {
    // Elsewhere a nice value is the whole process's. Where it cannot be set, all threads are equal.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, GIVES_WAY);
}
