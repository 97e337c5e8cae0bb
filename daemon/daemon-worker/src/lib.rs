//! What runs inside a plugin's process: boa, the host bindings and their budgets.
