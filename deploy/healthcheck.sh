#!/bin/bash
# A container's health check: asks the first of the given loopback ports that
# answers whether its role is ready. It needs only bash, so that the image has no
# HTTP client.
#
#   healthcheck PORT...
#
# Exit status 0: the role is ready. Otherwise it prints why not.
set -u

for port in "$@"; do
  { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || continue
  printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  IFS= read -r -t 4 status <&3 || status='no answer'
  case $status in
    'HTTP/1.'[01]' 200 '*) exit 0 ;;
  esac
  printf 'port %s: %s\n' "$port" "${status%$'\r'}"
  timeout 1 cat <&3 # the body names the check that fails
  exit 1
done
printf 'nothing answers on port %s\n' "$*"
exit 1
