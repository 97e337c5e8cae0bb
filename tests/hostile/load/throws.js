// A module that throws what is no error.
// expect: refused PLUGIN_ERROR
throw Symbol("no error");
