// Serves an Express app on a free port of this machine, by one process or by several that share the port.
//
//   DATABASE   where the webhooks are kept
//   SECRET     what bodies are signed with
//   SHOP       the shop that they come from
//   PROCESSES  1 unless it is set

import cluster from "node:cluster";

/** Calls `makeApp` in each process and prints `ready URL` once all of them listen. */
export function serve(makeApp) {
  const processes = Number(process.env.PROCESSES ?? 1);
  if (processes === 1) {
    const server = makeApp().listen(0, "127.0.0.1", () => tell(server.address()));
  } else if (cluster.isPrimary) {
    let listening = 0;
    cluster.on("listening", (_, address) => {
      listening += 1;
      if (listening === processes) tell(address);
    });
    for (let number = 0; number < processes; number += 1) cluster.fork();
  } else {
    makeApp().listen(0, "127.0.0.1");
  }
}

function tell({ port }) {
  console.log(`ready http://127.0.0.1:${port}`);
}
