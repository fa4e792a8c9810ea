#!/bin/bash
# Builds ffmpeg and ffprobe for recordings only, from Debian's source package:
#
#   build.sh DESTINATION
#
# Both are static programs with only the parts in components.txt. So a start takes
# 1 ms, where Debian's own build loads 215 libraries in 70, and a malformed file
# finds few parsers to attack. Source and compiler are the same, and so are the
# samples.
#
# It needs Debian 12 or a relative. It installs the packages it builds with if it
# runs as root, and otherwise says what is missing. The licence and the source
# archives, whose checksums are pinned, stay beside the programs. It does nothing
# if DESTINATION has what this script builds.
set -euo pipefail

# Debian's version, which has its security patches. After an advisory: take the
# new version and the two checksums of its .dsc file.
version=5.1.9-0+deb12u1
upstream=${version%-*}
archives=(
  "d9b593bb2ba93d4b50f74177e0cdcd41747e708596367deed0c30348a71dd176 ffmpeg_$upstream.orig.tar.xz"
  "71b20472ecd2764bc98e3229d34c0f7c8dcfe4a6cbacc23fd5604c23bac04632 ffmpeg_$version.debian.tar.xz"
)
mirrors=(
  http://deb.debian.org/debian/pool/main/f/ffmpeg
  http://deb.debian.org/debian-security/pool/updates/main/f/ffmpeg
)

packages=(gcc libc6-dev make nasm patch xz-utils zlib1g-dev)

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "building ffmpeg needs packages; as root, type: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian's updates do not reach a pinned version by themselves.
warn_of_update() {
  local newest
  newest=$(apt-cache policy ffmpeg | sed -n 's/ *Candidate: [0-9]*:\(.*deb12.*\)/\1/p')
  if dpkg --compare-versions "${newest:-0}" gt "$version"; then
    echo "WARNING: Debian has ffmpeg $newest, and this builds $version" >&2
  fi
}

# download CHECKSUM FILE: apt's own downloader, so that its proxy holds. It refuses
# another checksum.
download() {
  local mirror
  if echo "$1  $2" | sha256sum --check --status 2>/dev/null; then return; fi
  for mirror in "${mirrors[@]}"; do
    if /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "$mirror/$2" "$2" "SHA256:$1"; then return; fi
  done
  echo "cannot download $2 from: ${mirrors[*]}" >&2
  return 1
}

unpack() {
  tar xf "$1/ffmpeg_$upstream.orig.tar.xz" --strip-components=1
  tar xf "$1/ffmpeg_$version.debian.tar.xz"
  local name
  while read -r name; do
    case $name in '' | '#'*) continue ;; esac
    patch --quiet -p1 <"debian/patches/$name"
  done <debian/patches/series
}

# component_flags: what components.txt lists, as flags of configure.
component_flags() {
  local kind name
  while read -r kind name; do
    case $kind in
      '' | '#'*) ;;
      library) echo "--enable-$name" ;;
      *) echo "--enable-$kind=$name" ;;
    esac
  done <"$here/components.txt"
}

configure() {
  local components hardening="-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3"
  case $(uname -m) in x86_64) hardening+=" -fcf-protection" ;; esac
  mapfile -t components < <(component_flags)
  # No debug symbols, since they would take half of the build's time.
  ./configure --extra-version="${version#*-}+orak" --pkg-config=false \
    --disable-everything --disable-autodetect --disable-network \
    --disable-avdevice --disable-postproc --disable-swscale --disable-ffplay --disable-doc --disable-debug \
    "${components[@]}" \
    --enable-pic --extra-cflags="$hardening" --extra-ldexeflags="-static-pie -Wl,-z,relro,-z,now,-z,noexecstack"
}

# logged COMMAND...: runs it, and shows its output only if it fails.
logged() {
  if "$@" >build.log 2>&1; then return; fi
  tail -n 30 build.log >&2
  echo "building ffmpeg failed: $*" >&2
  return 1
}

build() {
  local destination=$1 archive work
  install_packages
  warn_of_update
  cd "$destination/source"
  for archive in "${archives[@]}"; do
    # shellcheck disable=SC2086 # a checksum and a name
    download $archive
  done
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the name of now
  trap "rm -rf '$work'" EXIT
  cd "$work"
  unpack "$destination/source"
  logged configure
  logged make -j"$(nproc)" ffmpeg ffprobe
  install -m 644 COPYING.LGPLv2.1 "$destination/COPYING"
  install -m 755 ffmpeg ffprobe "$destination"
}

main() {
  local destination built
  mkdir -p "$1/source"
  destination=$(realpath "$1")
  built=$(cat "$here/build.sh" "$here/components.txt" | sha256sum)
  if [ "$(cat "$destination/.built" 2>/dev/null)" = "$built" ]; then return; fi
  build "$destination"
  echo "$built" >"$destination/.built"
  echo "built ffmpeg $version in $destination"
}

here=$(dirname "$(realpath "$0")")
main "${1:?"usage: build.sh DESTINATION"}"
