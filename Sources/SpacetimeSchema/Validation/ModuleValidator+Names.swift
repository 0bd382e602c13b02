import SpacetimeSATS

/// Names for the parts that nobody named.
///
/// They are made of the names of table and columns, which is not always unique: column `group_id` of table `user` and
/// column `id` of table `user_group` give the same one. Such a clash is nobody's mistake, so it is never reported: the
/// first in the order of the definition gets the plain name, the others get one behind it. Inside a table, names that
/// would agree are told apart by what they stand for, so that no part ever takes over the name that another one had
/// before a migration.
extension ModuleValidator {
    mutating func settleNames() {
        var names = FreshNames()
        for table in schema.tables.indices { reserveNames(ofTable: table, in: &names) }
        for view in schema.views { names.reserve(view.name) }
        for table in schema.tables.indices { settleNames(ofTable: table, in: &names) }
    }

    private func reserveNames(ofTable position: Int, in names: inout FreshNames) {
        let table = schema.tables[position]
        names.reserve(table.name)
        names.reserve(table.sourceName)
        for (number, index) in table.indexes.enumerated() {
            // Modules look their indexes up by them.
            if raw.tables[position].indexes[number].sourceName != nil { names.reserve(index.sourceName) }
            if isWritten(index: number, ofTable: position) { names.reserve(index.name) }
        }
        for (number, constraint) in table.uniqueConstraints.enumerated()
        where isWritten(constraint: number, ofTable: position) {
            names.reserve(constraint.name)
        }
        for (number, sequence) in table.sequences.enumerated()
        where raw.tables[position].sequences[number].sourceName != nil {
            names.reserve(sequence.name)
        }
        if let schedule = table.schedule, writtenSchedules.contains(position) { names.reserve(schedule.name) }
    }

    private mutating func settleNames(ofTable position: Int, in names: inout FreshNames) {
        var table = schema.tables[position]
        settleIndexes(of: &table, at: position, in: &names)
        settleConstraints(of: &table, at: position, in: &names)
        for number in table.sequences.indices
        where raw.tables[position].sequences[number].sourceName == nil && !table.sequences[number].name.isEmpty {
            table.sequences[number].name = names.take(table.sequences[number].name)
        }
        if let schedule = table.schedule, !writtenSchedules.contains(position) {
            table.schedule?.name = names.take(schedule.name)
        }
        schema.tables[position] = table
    }

    private func settleIndexes(of table: inout TableSchema, at position: Int, in names: inout FreshNames) {
        let generated = table.indexes.indices.filter { number in
            !isWritten(index: number, ofTable: position) && !table.indexes[number].name.isEmpty
        }
        let counts = Dictionary(generated.map { (table.indexes[$0].name, 1) }, uniquingKeysWith: +)
        for number in generated {
            let index = table.indexes[number]
            let isNamed = raw.tables[position].indexes[number].sourceName != nil
            var name = index.name
            if counts[name] != 1, let accessor = index.accessorName { name += "_" + accessor }
            // The name by which the module knows the index is its own already.
            if isNamed, index.sourceName == name { continue }
            table.indexes[number].name = names.take(name)
            if !isNamed { table.indexes[number].sourceName = table.indexes[number].name }
        }
    }

    private func settleConstraints(of table: inout TableSchema, at position: Int, in names: inout FreshNames) {
        let generated = table.uniqueConstraints.indices.filter { number in
            !isWritten(constraint: number, ofTable: position) && !table.uniqueConstraints[number].name.isEmpty
        }
        let counts = Dictionary(generated.map { (table.uniqueConstraints[$0].name, 1) }, uniquingKeysWith: +)
        for number in generated {
            let constraint = table.uniqueConstraints[number]
            var name = constraint.name
            if counts[name] != 1 { name += constraint.columns.map { "_\($0.rawValue)" }.joined() }
            table.uniqueConstraints[number].name = names.take(name)
        }
    }

    // MARK: - Who wrote a name

    private func isWritten(index number: Int, ofTable position: Int) -> Bool {
        guard let given = raw.tables[position].indexes[number].sourceName else { return false }
        return dialect.keepsGivenNames || explicitNames[ExplicitNameKey(kind: .index, sourceName: given)] != nil
    }

    private func isWritten(constraint number: Int, ofTable position: Int) -> Bool {
        dialect.keepsGivenNames && raw.tables[position].constraints[number].sourceName != nil
    }
}
