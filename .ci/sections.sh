# Functions of .ci/run and .ci/long.

begun=$SECONDS
passed=()

# section TITLE COMMAND...: runs a command under a heading, and prints how long
# it took. A failing command ends the run, and its title is the last line.
section() {
  local title=$1 start=$SECONDS
  shift
  printf '\n== %s  [%d:%02d since the start]\n' "$title" $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60))
  if ! "$@"; then
    printf '\n== FAILED: %s, after %d s; passed before it: %s\n' "$title" $((SECONDS - start)) "${passed[*]:-nothing}"
    exit 1
  fi
  passed+=("$title $((SECONDS - start))s,")
}

# packages NAME...: installs Debian packages.
packages() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

prepare() {
  local missing=()
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
  command -v mvn >/dev/null || missing+=(maven)
  # For the rehearsal, which makes its own database clusters.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  # For the programs in JavaScript.
  { command -v node && command -v npm; } >/dev/null || missing+=(nodejs npm)
  # The browser that opens the console, and letters for Korean.
  command -v chromium >/dev/null || missing+=(chromium)
  [ -d /usr/share/fonts/opentype/noto ] || missing+=(fonts-noto-cjk)
  # promtool judges the alert rules.
  command -v promtool >/dev/null || missing+=(prometheus)
  # The race detector links with C.
  command -v gcc >/dev/null || missing+=(gcc libc6-dev)
  # For the model server's environment.
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  # Fetches PostgreSQL with pgvector.
  python3 -c 'import pip' 2>/dev/null || missing+=(python3-pip)
  if [ ${#missing[@]} -gt 0 ]; then
    echo "installing ${missing[*]}"
    packages "${missing[@]}" || return 1
  fi
  deploy/install-ffmpeg.sh || return 1
  newer_node
}

# newer_node: Debian 12's Node.js is too old to build the console; npm has newer ones.
newer_node() {
  if node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)'; then return; fi
  npm install --no-audit --no-fund --silent --prefix ~/.cache/orak/node node@22 || return 1
  export PATH=~/.cache/orak/node/node_modules/node/bin:$PATH
}

# finish prints what has passed.
finish() {
  printf '\n== passed in %d:%02d: %s\n' $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60)) "${passed[*]}"
}
