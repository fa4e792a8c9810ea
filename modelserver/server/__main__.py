"""python -m server --manifest models/pitch/manifest.json"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from . import app, manifest
from .admission import Admission
from .batching import Batcher
from .body import Intake
from .model import DEVICES, Model
from .service import Service


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(
        prog="python -m server", description="Serves one ONNX model to orak, behind a bounded queue.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--manifest", type=Path, default=Path(__file__).parent.parent / "models/pitch/manifest.json")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=8090)
    p.add_argument("--slots", type=int, default=2, help="concurrent requests")
    p.add_argument("--queue", type=int, default=8, help="requests that may wait; further ones are answered 429")
    p.add_argument("--memory", type=int, default=1 << 30, metavar="BYTES", help="memory for the audio of all requests, beside the model's")
    p.add_argument("--batch", type=int, default=8, help="most windows in one batch")
    p.add_argument("--batch-wait", type=float, default=0.005, metavar="SECONDS", help="how long a window waits for others")
    p.add_argument("--device", choices=DEVICES, default="auto", help="auto uses a GPU if there is one; cuda ends if there is none")
    p.add_argument("--threads", type=int, default=max((os.cpu_count() or 2) // 2, 1), help="threads of one run on a CPU")
    p.add_argument("--max-body", type=int, default=32 << 20, metavar="BYTES", help="longest accepted body")
    p.add_argument("--body-timeout", type=float, default=30, metavar="SECONDS", help="how long a body may take to arrive")
    p.add_argument("--allow-url", action="append", default=[], metavar="PREFIX", help="beginning of URLs that may be fetched; none by default")
    p.add_argument("--drain", type=int, default=30, metavar="SECONDS", help="how long running requests may take when the server stops")
    return p.parse_args()


class Server(uvicorn.Server):
    """uvicorn's server, which also stops the service on a signal."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.service.stopping = True
        super().handle_exit(sig, frame)


def main() -> None:
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        described, path = manifest.load(args.manifest)
        model = Model(described, path, args.threads, described.memory_bytes + args.memory, args.device)
        intake = Intake(args.max_body, args.body_timeout, tuple(args.allow_url))
    except (OSError, ValueError) as e:
        sys.exit(f"python -m server: {e}")
    batcher, admission = Batcher(model, args.batch, args.batch_wait), Admission(args.slots, args.queue, args.memory)
    service = Service(described, batcher, admission, model.device, stop=lambda: signal.raise_signal(signal.SIGTERM))
    logging.getLogger(__name__).info("serving %s %s on %s", described.name, described.version, model.device)
    config = uvicorn.Config(
        app.build(service, intake),
        host=args.host,
        port=args.port,
        timeout_graceful_shutdown=args.drain,
        timeout_keep_alive=app.KEEP_ALIVE_S,
        log_level="warning",
        server_header=False,
    )
    Server(config, service).run()


if __name__ == "__main__":
    main()
