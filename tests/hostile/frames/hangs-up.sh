# A worker that closes the connection and lives on.
# expect: PLUGIN_CRASHED
hear
say "$READY"
hear
exec 0<&- 3>&-
sleep 60
