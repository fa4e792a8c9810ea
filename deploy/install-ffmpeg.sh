#!/bin/sh
# Installs ffmpeg and ffprobe if they are missing, with the system's package
# manager: apt-get, brew, dnf or apk. It prints one line; if it cannot install
# them, it prints what to type, and exits with 1. It does nothing if both are
# there, and is safe to repeat.
set -eu

# Succeeds if this machine has ffmpeg and ffprobe.
present() {
	command -v ffmpeg >/dev/null 2>&1 && command -v ffprobe >/dev/null 2>&1
}

# Prints a reason and the command that helps, and exits.
give_up() {
	printf 'orak needs ffmpeg and ffprobe: %s\n' "$1" >&2
	exit 1
}

# Runs the command line $1 as root.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		printf 'ffmpeg is missing; installing it: %s\n' "$1"
		sh -c "$1" || give_up "the installation failed; see above, then type: $1"
	elif command -v sudo >/dev/null 2>&1; then
		by_hand="sudo sh -c '$1'"
		printf 'ffmpeg is missing; installing it: %s\n' "$by_hand"
		if [ -t 0 ]; then
			sudo sh -c "$1" || give_up "the installation failed; see above, then type: $by_hand"
		else
			# No terminal for a password: fail rather than wait.
			sudo -n sh -c "$1" || give_up "the installation failed; type: $by_hand"
		fi
	else
		give_up "as root, type: $1"
	fi
}

present && exit 0

if command -v apt-get >/dev/null 2>&1; then
	as_root 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends ffmpeg'
elif command -v brew >/dev/null 2>&1; then
	# Homebrew refuses to run as root, and needs no sudo.
	printf 'ffmpeg is missing; installing it: brew install ffmpeg\n'
	brew install ffmpeg || give_up 'the installation failed; type: brew install ffmpeg'
elif command -v dnf >/dev/null 2>&1; then
	# Fedora's build and RPM Fusion's have different names.
	as_root 'dnf install -y ffmpeg || dnf install -y ffmpeg-free'
elif command -v apk >/dev/null 2>&1; then
	as_root 'apk add ffmpeg'
else
	give_up 'no apt-get, brew, dnf or apk here; install them from https://ffmpeg.org/download.html and put them in PATH'
fi

present || give_up 'they were installed but are not in PATH; open a new shell, or add their folder to PATH'
