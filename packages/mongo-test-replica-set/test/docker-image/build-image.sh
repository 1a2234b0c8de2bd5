#!/bin/sh
# Builds an image out of this machine's mongod, the shared libraries that ldd lists and busybox, for machines that
# reach no image registry. Usage: build-image.sh IMAGE MONGOD; DOCKER names the docker command (default: docker).
set -eu

image=$1
mongod=$2
docker=${DOCKER:-docker}
busybox=$(command -v busybox) || { echo "build-image.sh: busybox is missing (Debian: busybox-static)" >&2; exit 1; }

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
root=$context/root
mkdir -p "$root/bin" "$root/tmp"

cp "$mongod" "$root/bin/mongod"
cp "$busybox" "$root/bin/busybox"
for command in sh cat kill mkdir sleep echo; do ln -s busybox "$root/bin/$command"; done

# Lines of ldd: "libcurl.so.4 => /lib/... (0x...)" and "/lib64/ld-linux-x86-64.so.2 (0x...)".
for library in $(ldd "$mongod" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'); do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

cat > "$context/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY root /
ENV PATH=/bin
CMD ["mongod"]
DOCKERFILE

"$docker" build --quiet --tag "$image" "$context"
