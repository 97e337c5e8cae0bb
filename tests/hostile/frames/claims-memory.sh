# The exit code of a worker that met its cap: it is the plugin's fault either way.
# expect: PLUGIN_MEMORY
hear
say "$READY"
hear
exit 86
