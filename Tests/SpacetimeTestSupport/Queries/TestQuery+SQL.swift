import SpacetimeEngine
package import SpacetimeSATS
package import SpacetimeSchema

extension TestQuery {
    /// The query as text, or nil if it says something that has no spelling, such as a float that is no number.
    package func sql(_ schema: [TableSchema]) -> String? {
        let printer = Printer(query: self, schema: schema)
        return try? print(with: printer)
    }

    /// The part that all dialects share.
    package func print(with printer: some QueryPrinter) throws -> String {
        var text = "SELECT \(isDistinct ? "DISTINCT " : "")"
        switch output {
        case .rows(let slot): text += try printer.rows(slot)
        case .columns(let columns):
            text += try columns.map { "\(try printer.value($0.value)) AS \(printer.quoted($0.name))" }
                .joined(separator: ", ")
        }
        for (slot, source) in sources.enumerated() {
            let words =
                switch source.join {
                case .first: "FROM"
                case .inner: "JOIN"
                case .left: "LEFT JOIN"
                case .cross: "CROSS JOIN"
                }
            text += " \(words) \(printer.table(slot))"
            if !source.on.isEmpty {
                text += " ON " + (try source.on.map { try printer.condition($0) }.joined(separator: " AND "))
            }
        }
        if !conditions.isEmpty {
            text += " WHERE " + (try conditions.map { try printer.condition($0) }.joined(separator: " AND "))
        }
        if !groups.isEmpty { text += " GROUP BY " + (try groups.map(printer.value).joined(separator: ", ")) }
        if let having { text += " HAVING " + (try printer.condition(having)) }
        if !order.isEmpty { text += " ORDER BY " + (try order.map(printer.order).joined(separator: ", ")) }
        return text + printer.limits(limit, offset)
    }

    private struct Printer: QueryPrinter {
        let query: TestQuery
        let schema: [TableSchema]

        func table(_ slot: Int) -> String {
            let source = query.sources[slot]
            let name = schema[source.table].name
            return source.alias == name ? quoted(name) : "\(quoted(name)) AS \(quoted(source.alias))"
        }

        func rows(_ slot: Int) -> String {
            query.sources.count == 1 && slot == 0 ? "*" : "\(quoted(query.sources[slot].alias)).*"
        }

        /// Fields of structs stand behind the column; an option is named like what may be in it.
        func column(_ column: TestColumn) throws -> String {
            let source = query.sources[column.slot]
            let stored = schema[source.table].columns[column.path.column.index]
            var text = quoted(stored.name)
            if query.sources.count > 1 { text = "\(quoted(source.alias)).\(text)" }
            var type = stored.type
            for step in column.path.steps {
                switch (step, type) {
                case (.field(let position), .product(let product)):
                    text += ".\(quoted(product.elements[position].name ?? ""))"
                    type = product.elements[position].algebraicType
                case (.payload(let tag), .sum(let sum)):
                    // The value of an option is called like the option.
                    if type.optionPayload == nil { text += ".\(quoted(sum.variants[Int(tag)].name ?? ""))" }
                    type = sum.variants[Int(tag)].algebraicType
                default: throw NoSpelling()
                }
            }
            return text
        }

        func literal(_ value: AlgebraicValue, _ type: AlgebraicType) throws -> String {
            guard let text = Self.spelling(value, type) else { throw NoSpelling() }
            return text
        }

        func parameter(_ position: Int) -> String { ":\(query.parameters[position].name)" }

        func hasPrefix(_ column: TestColumn, _ prefix: AlgebraicValue, isNegated: Bool) throws -> String {
            // What means something else in a pattern.
            guard case .string(let text) = prefix, text.utf8.allSatisfy({ !"%_\\".utf8.contains($0) }) else {
                throw NoSpelling()
            }
            return "\(try self.column(column)) \(isNegated ? "NOT " : "")LIKE \(Self.quoted(text + "%"))"
        }

        func flag(_ column: TestColumn) throws -> String { try self.column(column) }

        func order(_ term: (value: TestValue, isDescending: Bool)) throws -> String {
            "\(try value(term.value))\(term.isDescending ? " DESC" : "")"
        }

        func limits(_ limit: UInt64?, _ offset: UInt64?) -> String {
            (limit.map { " LIMIT \($0)" } ?? "") + (offset.map { " OFFSET \($0)" } ?? "")
        }

        private static func quoted(_ text: String) -> String {
            var quoted = "'"
            for scalar in text.unicodeScalars {
                quoted.unicodeScalars.append(contentsOf: scalar == "'" ? ["'", "'"] : [scalar])
            }
            return quoted + "'"
        }

        private static func spelling(_ value: AlgebraicValue, _ type: AlgebraicType) -> String? {
            switch value {
            case .bool(let truth): return truth ? "TRUE" : "FALSE"
            case .i8(let number): return "\(number)"
            case .u8(let number): return "\(number)"
            case .i16(let number): return "\(number)"
            case .u16(let number): return "\(number)"
            case .i32(let number): return "\(number)"
            case .u32(let number): return "\(number)"
            case .i64(let number): return "\(number)"
            case .u64(let number): return "\(number)"
            case .i128(let number): return "\(number)"
            case .u128(let number): return "\(number)"
            case .i256(let number): return "\(number)"
            case .u256(let number): return "\(number)"
            case .f32(let number): return number.isFinite ? "\(number)" : nil
            case .f64(let number): return number.isFinite ? "\(number)" : nil
            case .string(let text): return quoted(text)
            case .bytes(let bytes): return "X'\(Hexadecimal.text(bytes))'"
            case .product(let fields):
                switch fields.first {
                case .u256(let number)? where type.isIdentity: return "0x\(Identity(number: number).hex)"
                case .u128(let number)? where type.isConnectionId: return "0x\(ConnectionId(number: number).hex)"
                case .u128(let number)? where type.isUuid: return quoted("\(Uuid(number: number))")
                case .i64(let number)? where type.isTimestamp:
                    return quoted("\(Timestamp(microsecondsSinceUnixEpoch: number))")
                default: return nil
                }
            case .sum(let tag, _):
                guard type.isSimpleEnum, case .sum(let sum) = type else { return nil }
                return quoted(sum.variants[Int(tag)].name ?? "")
            case .array: return nil
            }
        }
    }
}

/// Thrown where a dialect has no spelling for a part of a query.
package struct NoSpelling: Error { package init() {} }

/// How one dialect of SQL spells the parts of queries.
package protocol QueryPrinter {
    func table(_ slot: Int) -> String
    /// Whole rows of a table.
    func rows(_ slot: Int) throws -> String
    func column(_ column: TestColumn) throws -> String
    func literal(_ value: AlgebraicValue, _ type: AlgebraicType) throws -> String
    func parameter(_ position: Int) throws -> String
    func flag(_ column: TestColumn) throws -> String
    func hasPrefix(_ column: TestColumn, _ prefix: AlgebraicValue, isNegated: Bool) throws -> String
    func order(_ term: (value: TestValue, isDescending: Bool)) throws -> String
    func limits(_ limit: UInt64?, _ offset: UInt64?) -> String
    /// A value that is compared with another.
    func value(_ value: TestValue, besides other: TestValue) throws -> String
    /// Whether the dialect computes so, and with the same result.
    func check(_ value: TestValue) throws
}

extension QueryPrinter {
    package func check(_ value: TestValue) throws {}

    package func value(_ value: TestValue, besides other: TestValue) throws -> String { try self.value(value) }

    package func quoted(_ name: String) -> String { "\"\(name)\"" }

    package func value(_ value: TestValue) throws -> String {
        try check(value)
        switch value {
        case .column(let column): return try self.column(column)
        case .literal(let value, let type): return try literal(value, type)
        case .parameter(let position, _): return try parameter(position)
        case .arithmetic(let arithmetic, let left, let right):
            let sign =
                switch arithmetic {
                case .add: "+"
                case .subtract: "-"
                case .multiply: "*"
                case .divide: "/"
                case .remainder: "%"
                }
            return "(\(try self.value(left, besides: right)) \(sign) \(try self.value(right, besides: left)))"
        case .aggregate(let function, let argument, let isDistinct):
            let name =
                switch function {
                case .count: "COUNT"
                case .sum: "SUM"
                case .min: "MIN"
                case .max: "MAX"
                case .average: "AVG"
                }
            return "\(name)(\(isDistinct ? "DISTINCT " : "")\(try argument.map { try self.value($0) } ?? "*"))"
        }
    }

    package func condition(_ condition: TestCondition) throws -> String {
        switch condition {
        case .constant(let holds): return holds ? "TRUE" : "FALSE"
        case .flag(let column): return try flag(column)
        case .compare(let comparison, let left, let right):
            return "\(try value(left, besides: right)) \(comparison.symbol) \(try value(right, besides: left))"
        case .isNull(let operand, let isNegated): return "\(try value(operand)) IS \(isNegated ? "NOT " : "")NULL"
        case .isIn(let operand, let values, let isNegated):
            let list = try values.map { try literal($0, operand.type) }.joined(separator: ", ")
            return "\(try value(operand)) \(isNegated ? "NOT " : "")IN (\(list))"
        case .between(let operand, let low, let high, let isNegated):
            let bounds = "\(try value(low)) AND \(try value(high))"
            return "\(try value(operand)) \(isNegated ? "NOT " : "")BETWEEN \(bounds)"
        case .hasPrefix(let column, let prefix, let isNegated):
            return try hasPrefix(column, prefix, isNegated: isNegated)
        case .not(let operand): return "NOT (\(try self.condition(operand)))"
        case .and(let operands): return "(\(try operands.map { try self.condition($0) }.joined(separator: " AND ")))"
        case .or(let operands): return "(\(try operands.map { try self.condition($0) }.joined(separator: " OR ")))"
        }
    }
}
