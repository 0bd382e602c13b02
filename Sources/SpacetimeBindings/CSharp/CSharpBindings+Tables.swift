extension CSharpBindings {
    private struct Key {
        let name: String
        let className: String
        let columns: [Int]
        let isUnique: Bool
    }

    /// The file of a table: what holds its rows, and its columns for queries.
    mutating func table(_ table: BindingModel.Table, _ model: BindingModel) {
        let name = CSharpNames.member(table.sourceName, in: "RemoteTables", not: CSharpNames.fieldMembers)
        let type = model.types[table.row]
        let row = names.own(type.pascalName)
        let members = type.fields.map {
            CSharpNames.member($0.sourceName, in: type.pascalName, not: CSharpNames.fieldMembers)
        }
        let keys = table.isEvent ? [] : self.keys(table, members, model)
        var source = begun()
        source.open("public sealed partial class RemoteTables")
        source.dedent()
        source.open("{")
        let base = table.isEvent ? "RemoteEventTableHandle" : "RemoteTableHandle"
        source.open(
            "public sealed class \(name)Handle : \(CSharpNames.library)\(base)<\(names.own("EventContext")), \(row)>")
        source.dedent()
        source.open("{")
        source.line("public override string RemoteTableName => \(CSharpNames.quoted(table.wireName));")
        for key in keys { write(key, name, row, members, type, model, &source) }
        if !keys.isEmpty { source.line() }
        for key in keys { source.line("public readonly \(key.className) \(key.name);") }
        source.line()
        source.open("internal \(name)Handle(\(names.own("DbConnection")) conn) : base(conn)")
        source.dedent()
        source.open("{")
        for key in keys { source.line("\(key.name) = new \(key.className)(this);") }
        source.close()
        if table.primaryKey.count == 1, !table.isEvent {
            source.line()
            source.line("protected override object GetPrimaryKey(\(row) row) => row.\(members[table.primaryKey[0]]);")
        } else if table.primaryKey.count > 1 {
            report.warnings.append(
                "the primary key of \(table.described) has several columns, which the original's SDKs do not know: updates come as "
                    + "rows that go and rows that come")
        }
        source.close()
        source.close()
        if table.parameters.isEmpty {
            source.line()
            columns(table, row, members, type, model, &source)
        } else {
            report.note(called: table, for: "C#")
        }
        add("Tables/\(NameStyle.pascal.name(table.sourceName)).g.cs", source)
    }

    private mutating func keys(
        _ table: BindingModel.Table, _ members: [String], _ model: BindingModel
    ) -> [Key] {
        let fields = model.columns(of: table)
        var keys: [Key] = []
        var scope = NameScope(table.described)
        func isPossible(_ columns: [Int], _ isUnique: Bool) -> Bool {
            columns.allSatisfy {
                isUnique
                    ? names.isEquatable(fields[$0].type, in: model) : names.isComparable(fields[$0].type, in: model)
            }
        }
        func leaveOut(_ title: String, _ why: String) {
            report.warnings.append("\(title) of \(table.described) is left out: \(why)")
        }
        for index in table.indexes {
            guard let accessor = index.accessor else { continue }
            let name = NameStyle.pascal.name(accessor)
            // It comes with the column, below.
            if index.isUnique, index.columns.count == 1, name == members[index.columns[0]] { continue }
            let title = "index '\(accessor)'"
            guard isPossible(index.columns, index.isUnique) else {
                leaveOut(title, "the original's C# SDK has no index for such columns")
                continue
            }
            guard !CSharpNames.tableMembers.contains(name) else {
                leaveOut(title, "the SDK has something else of that name")
                continue
            }
            scope.claim(name, for: title, &report)
            keys.append(
                Key(
                    name: name, className: name + (index.isUnique ? "UniqueIndex" : "Index"), columns: index.columns,
                    isUnique: index.isUnique))
        }
        for column in table.uniqueColumns {
            let name = members[column]
            let title = "column '\(fields[column].sourceName)'"
            if keys.contains(where: { $0.name == name }) { continue }
            guard isPossible([column], true) else {
                leaveOut("finding by \(title)", "the original's C# SDK has no unique index for such a column")
                continue
            }
            guard !CSharpNames.tableMembers.contains(name) else {
                leaveOut("finding by \(title)", "the SDK has something else of that name")
                continue
            }
            keys.append(Key(name: name, className: name + "UniqueIndex", columns: [column], isUnique: true))
        }
        return keys
    }

    private func write(
        _ key: Key, _ table: String, _ row: String, _ members: [String], _ type: BindingModel.DeclaredType,
        _ model: BindingModel, _ source: inout SourceText
    ) {
        let values = key.columns.map { (names.text(type.fields[$0].type, in: model), members[$0]) }
        let isOne = values.count == 1
        let keyType = isOne ? values[0].0 : "(\(values.map { "\($0.0) \($0.1)" }.joined(separator: ", ")))"
        let value = isOne ? "row.\(values[0].1)" : "(\(values.map { "row.\($0.1)" }.joined(separator: ", ")))"
        source.line()
        source.open(
            "public sealed class \(key.className) : \(key.isUnique ? "UniqueIndexBase" : "BTreeIndexBase")<\(keyType)>")
        source.dedent()
        source.open("{")
        source.line("public \(key.className)(\(table)Handle table) : base(table) { }")
        source.line("protected override \(keyType) GetKey(\(row) row) => \(value);")
        source.close()
    }

    // MARK: Columns

    /// The columns with the names that servers know, and those that queries may be joined by.
    private func columns(
        _ table: BindingModel.Table, _ row: String, _ members: [String], _ type: BindingModel.DeclaredType,
        _ model: BindingModel, _ source: inout SourceText
    ) {
        let name = NameStyle.pascal.name(table.sourceName)
        let indexed = Set(table.uniqueColumns + table.indexes.filter(\.isOrdered).flatMap(\.columns))
        let parts = [
            ("Cols", "Col", Array(type.fields.indices)),
            ("IxCols", "IxCol", type.fields.indices.filter(indexed.contains)),
        ]
        for (place, (suffix, column, places)) in parts.enumerated() {
            if place > 0 { source.line() }
            source.open("public sealed class \(name)\(suffix)")
            source.dedent()
            source.open("{")
            let columns = places.map { place -> (member: String, type: String, name: String) in
                var use = type.fields[place].type
                if case .option(let payload) = use { use = payload }
                let text = "\(CSharpNames.library)\(column)<\(row), \(names.text(use, in: model))>"
                return (members[place], text, type.fields[place].wireName)
            }
            for column in columns { source.line("public \(column.type) \(column.member) { get; }") }
            if !columns.isEmpty { source.line() }
            source.open("public \(name)\(suffix)(string tableName)")
            source.dedent()
            source.open("{")
            for column in columns {
                source.line("\(column.member) = new \(column.type)(tableName, \(CSharpNames.quoted(column.name)));")
            }
            source.close()
            source.close()
        }
    }
}
