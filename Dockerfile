# Builds the same image as "make image", which needs no Docker: one static binary, root certificates and an open /tmp,
# run as user 65532.
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=1.2.3 --tag … --push .
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/cache \
    mkdir -p /image/tmp /image/etc/ssl/certs && chmod 1777 /image/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    GOCACHE=/cache CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.version=$VERSION" -o /image/todoapp-operator . && \
    find /image -exec touch --date=@0 {} +

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/todoapp-operator"]
