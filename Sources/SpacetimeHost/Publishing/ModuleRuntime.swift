/// Makes modules out of programs that were published.
package protocol ModuleLoader: Sendable {
    /// Makes a module that runs a program, for one database; others that run the same program get modules of their own, which
    /// may share what was compiled.
    ///
    /// It may take long, and is called where blocking holds nobody up. The program is whatever somebody sent.
    ///
    /// - Throws: `DatabaseError` with code `invalidModule` if it is no program that can be run, and why.
    func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost
}

/// What runs the programs that are published to a server: a value that a library of such runtimes offers.
public struct ModuleRuntime: Sendable {
    package let loader: any ModuleLoader

    package init(_ loader: any ModuleLoader) { self.loader = loader }
}
