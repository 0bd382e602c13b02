import SpacetimeDurability

/// Databases whose modules are programs that somebody published. The program is kept with the database.
extension DatabaseCore {
    /// Creates a database of a program, and runs its `init`.
    ///
    /// - Parameter location: a directory in which no database is.
    /// - Throws: ``DatabaseError``, or what `init` threw. There is no database then.
    package static func publish(
        _ program: ModuleProgram, as module: any ModuleHost, at location: DatabaseLocation, options: OpeningOptions
    ) throws -> OpenedDatabase {
        let opening = try Opening(module, options, program: StoredProgram(program))
        if case .directory(let path, let storage) = location {
            // Before the commit that names it.
            try ProgramFiles(storage.disk, of: path).keep(program)
        }
        return try opening.run(location)
    }

    /// Opens the database in a directory with the program that is kept there.
    ///
    /// - Parameter hash: of a program that is to stay among the files, beside the one that the database has.
    /// - Throws: `notPossible` if there is no database, or none that was published; what the loader throws.
    package static func openPublished(
        _ path: String, _ storage: StorageOptions, by loader: any ModuleLoader, options: OpeningOptions,
        keeping hash: [UInt8]? = nil
    ) throws -> OpenedDatabase {
        var random = DeterministicRandom(seed: options.seed ?? UInt64.random(in: .min ... .max))
        let found = try DatabaseFiles.open(path, options: storage, random: &random)
        do {
            guard let recovered = found.recovered else { throw DatabaseDirectory.none(in: path) }
            guard let stored = recovered.schema.program else {
                throw DatabaseError(
                    .notPossible,
                    "the database in '\(path)' was made by a program that has its module built in; open it with that one"
                )
            }
            let programs = ProgramFiles(storage.disk, of: path)
            let module = try loader.load(programs.read(stored))
            let opened = try Opening(module, options, program: stored).goOn(recovered, in: found.files)
            try opened.core.start()
            if hash == nil || hash == stored.hash { programs.removeOthers(than: stored) }
            return opened
        } catch {
            try? found.files.close()
            throw error
        }
    }
}
