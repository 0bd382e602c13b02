/// A set of names that must differ, and who has which.
struct NameRegistry {
    let code: SchemaErrorCode
    private var owners: [String: SchemaPath] = [:]

    init(reporting code: SchemaErrorCode) {
        self.code = code
    }

    /// Enters the names of one part; names that repeat among them count once.
    mutating func claim(_ names: [String], for path: SchemaPath, errors: inout ErrorCollector) {
        for (position, name) in names.enumerated() where !names[..<position].contains(name) {
            if let owner = owners[name] {
                errors.report(code, at: path, "the name \(quoted(name)) is taken by \(owner); rename one of them")
            } else {
                owners[name] = path
            }
        }
    }

    /// Enters the names that a table brings into the global namespace.
    mutating func claimNames(of table: TableSchema, at path: SchemaPath, errors: inout ErrorCollector) {
        claim([table.name, table.sourceName], for: path, errors: &errors)
        for index in table.indexes where !index.name.isEmpty {
            let names = [index.name, index.sourceName]
            claim(names, for: path.appending(.index(index.sourceName)), errors: &errors)
        }
        for constraint in table.uniqueConstraints where !constraint.name.isEmpty {
            claim([constraint.name], for: path.appending(.constraint(constraint.name)), errors: &errors)
        }
        for sequence in table.sequences where !sequence.name.isEmpty {
            claim([sequence.name], for: path.appending(.sequence(sequence.name)), errors: &errors)
        }
        if let schedule = table.schedule {
            claim([schedule.name], for: path.appending(.schedule(schedule.name)), errors: &errors)
        }
    }
}
