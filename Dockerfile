# syntax=docker/dockerfile:1
# One image for every role; the command names it (api, bridge, worker, lake, index, webhooks).

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# Only the product's module: the others hold the embedded servers of the
# standalone stack, which do not belong in an image.
ENV GOWORK=off CGO_ENABLED=0
# simd: analyses take half of the processor time, with a Go experiment
# (docs/decisions/0014-vectors.md).
ARG GOEXPERIMENT=
ENV GOEXPERIMENT=$GOEXPERIMENT
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags=-s -o /orak ./cmd/orak

# Only audio, static: docs/decisions/0020-audio-only-ffmpeg.md.
FROM debian:12.12-slim AS ffmpeg
COPY deploy/ffmpeg /build
RUN /build/build.sh /ffmpeg

FROM debian:12.12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=ffmpeg /ffmpeg/ffmpeg /ffmpeg/ffprobe /usr/local/bin/
# Its licence wants the source, and how it was built, beside it.
COPY --from=ffmpeg /ffmpeg/COPYING /ffmpeg/source /build /usr/share/doc/ffmpeg/
COPY --from=build /orak /usr/local/bin/orak
COPY --chmod=755 deploy/healthcheck.sh /usr/local/bin/healthcheck
# Numeric, so that an orchestrator can see that it is not root.
USER 65532:65532
# The folder of running conversions, the only one that is written to.
ENV ORAK_SCRATCH_DIR=/scratch
VOLUME /scratch
EXPOSE 8080 9464
# Every role answers on its admin port, the API on its own port, too.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthcheck", "8080", "9464"]
ENTRYPOINT ["orak"]
CMD ["--help"]
