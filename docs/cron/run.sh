#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scan a cluster, keep the report, and fail only on what the last report did not hold.
#
#   run.sh CONTEXT FOLDER [OPTION...]      further options go to `kguard scan`
#
# Exit code: that of the scan. Only a complete scan becomes the next one's baseline: after a missing
# right or a server that was away, every finding would else look new the next time.
set -u
context=$1 folder=$2
shift 2
report=$folder/$(date -u +%Y%m%dT%H%M%SZ).json
last=$folder/last.json

set -- --context "$context" --output terminal --output "json=$report" "$@"
if [ -e "$last" ]; then
  set -- "$@" --baseline "$last" --fail-on-new
fi

kguard scan "$@"
code=$?

case $code in
  0 | 1) ln -sfn "$(basename "$report")" "$last" ;;
esac
find "$folder" -name '*T*Z.json' -mtime "+${KGUARD_KEEP_DAYS:-90}" -delete
exit $code
