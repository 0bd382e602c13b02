public import SpacetimeHost

extension ModuleRuntime {
    /// Runs programs in WebAssembly that are published to a server.
    ///
    /// ```swift
    /// var options = WASMOptions()
    /// options.limits.callDuration = .seconds(1)
    /// let runtime = ModuleRuntime.webAssembly(options)
    /// ```
    ///
    /// - Parameter options: how all of them are run.
    public static func webAssembly(_ options: WASMOptions = WASMOptions()) -> ModuleRuntime {
        ModuleRuntime(WASMLoader(options: options))
    }
}

private struct WASMLoader: ModuleLoader {
    let options: WASMOptions

    func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost {
        switch program.kind {
        case .webAssembly: WASMHost(try WASMProgram(program.bytes, options))
        }
    }
}
