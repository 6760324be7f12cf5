//! `serve`: the host itself.

use std::{future::IntoFuture, net::SocketAddr, os::unix::net::UnixStream, sync::Arc};

use tokio::{
    net::{TcpListener, UnixListener},
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::Result;
use crate::{
    clock,
    config::Config,
    host::{self, Host},
    store::{data_dir, sled::Fault},
    telemetry::{log, trace},
    threads, web,
};

pub fn run(config: Config) -> Result {
    log::start(&config.log)?;
    // Plugins run on a runtime of their own: whatever they burn, webhooks keep their threads, and come first.
    let plugins = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(host::plugin_threads(&config))
        .thread_name("regulars-dispatch")
        .on_thread_start(threads::give_way)
        .enable_all()
        .build()?;
    let webhooks = tokio::runtime::Builder::new_multi_thread().thread_name("regulars-http").enable_all().build()?;
    trace::start(&config.telemetry, webhooks.handle())?;
    let (host, workers) = {
        let _entered = plugins.enter();
        let host = Arc::new(open(&config)?);
        let workers = host.start()?;
        (host, workers)
    };
    let served = webhooks.block_on(serve(Arc::clone(&host)));
    plugins.block_on(async move {
        workers.stop().await;
        // The mail server's connections are given up by tasks.
        drop(host);
    });
    trace::stop();
    tracing::info!("stopped");
    served
}

/// Opens the host. A command that has the data directory for a moment is waited for, a host that serves it is not.
fn open(config: &Config) -> Result<Host, host::Error> {
    let socket = data_dir::control_socket(&config.data_dir);
    for _ in 1..super::OPEN_TRIES {
        match Host::open(config.clone(), Arc::new(clock::System)) {
            Err(error) if super::is_locked(&error) && UnixStream::connect(&socket).is_err() => {
                std::thread::sleep(super::OPEN_PAUSE);
            }
            opened => return opened,
        }
    }
    Host::open(config.clone(), Arc::new(clock::System))
}

/// Answers requests until a signal says stop; what is being answered is answered first.
async fn serve(host: Arc<Host>) -> Result {
    let (stop, stopping) = watch::channel(false);
    let listener = bind(host.config.listen).await?;
    println!("listening webhooks http://{}", listener.local_addr()?);
    let mut servers = tokio::task::JoinSet::new();
    let until = |mut stopping: watch::Receiver<bool>| async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    // Shoppers' pages tell addresses apart.
    let public = web::public(Arc::clone(&host)).into_make_service_with_connect_info::<SocketAddr>();
    let public = axum::serve(listener, public);
    servers.spawn(public.with_graceful_shutdown(until(stopping.clone())).into_future());
    if let Some(address) = host.config.admin.listen {
        let listener = bind(address).await?;
        println!("listening admin http://{}", listener.local_addr()?);
        let admin = axum::serve(listener, web::admin(Arc::clone(&host)));
        servers.spawn(admin.with_graceful_shutdown(until(stopping.clone())).into_future());
    }
    if let Some(address) = host.config.metrics.listen {
        let listener = bind(address).await?;
        println!("listening metrics http://{}", listener.local_addr()?);
        let metrics = axum::serve(listener, web::metrics(Arc::clone(&host)));
        servers.spawn(metrics.with_graceful_shutdown(until(stopping.clone())).into_future());
    }
    let socket = host.data_dir.control_socket();
    // A socket that is left over from a host that was killed: the lock says that this one is the only one.
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket)
        .map_err(|error| format!("the control socket {} cannot be made: {error}", socket.display()))?;
    let control = axum::serve(listener, web::admin(Arc::clone(&host)));
    servers.spawn(control.with_graceful_shutdown(until(stopping)).into_future());
    // Before `ready` is told: from then on the host may be told to stop.
    let told_to_stop = stop_signals()?;
    println!("ready");
    tokio::select! {
        () = told_to_stop => {}
        // Whoever supervises the process starts it anew.
        reason = store_is_lost(&host) => {
            return Err(format!("the store cannot go on and has to be started anew: {reason}").into());
        }
    }
    tracing::info!("stopping");
    let _ = stop.send(true);
    while let Some(ended) = servers.join_next().await {
        ended??;
    }
    let _ = std::fs::remove_file(&socket);
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen at {address}: {error}; set `listen` in the configuration to an address that is free")
            .into()
    })
}

/// Waits for a fault of the store that only a new process can mend, and gives its reason.
async fn store_is_lost(host: &Host) -> String {
    let mut fault = host.sled.fault();
    let is_final = |fault: &Option<Fault>| fault.as_ref().is_some_and(|fault| fault.is_final);
    match fault.wait_for(is_final).await {
        Ok(fault) => fault.as_ref().map(|fault| fault.reason.clone()).unwrap_or_default(),
        // The host holds the store, so that its word on faults outlives this.
        Err(_) => std::future::pending().await,
    }
}

/// Ends at the first signal that comes after the call.
fn stop_signals() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
