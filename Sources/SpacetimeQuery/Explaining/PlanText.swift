import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Writes the parts of a plan as a person would write them in SQL.
struct PlanText {
    private let plan: Plan
    private let planner: Planner
    /// What tables are called, by their position in the query: one that is there twice has its position behind its name.
    private let names: [Int: String]

    private static let characterLimit = 400

    init(_ plan: Plan, _ planner: Planner) {
        self.plan = plan
        self.planner = planner
        var names: [Int: String] = [:]
        for step in plan.steps {
            let name = planner.table(step.table)?.schema.name ?? "#\(step.table.rawValue)"
            let isAlone = plan.steps.allSatisfy { $0.slot == step.slot || $0.table != step.table }
            names[step.slot] = isAlone ? name : "\(name)#\(step.slot + 1)"
        }
        self.names = names
    }

    func name(of slot: Int) -> String { names[slot] ?? "#\(slot + 1)" }

    // MARK: Steps

    /// What the rows of an access have in common; nil for a whole table.
    func text(_ access: Plan.Access, of step: Plan.Step) -> String? {
        switch access {
        case .table: return nil
        case .key(let id, let parts): return prefix(parts, id, step).joined(separator: " and ")
        case .range(let id, let range):
            let place = range.prefix.count
            let bounds = [bound(range.lower, ">", place, id, step), bound(range.upper, "<", place, id, step)]
            let all = prefix(range.prefix, id, step) + bounds.compactMap(\.self)
            return all.isEmpty ? nil : all.joined(separator: " and ")
        case .ranges(let id, let parts, let intervals):
            let column = column(id, parts.count, step)
            let texts = intervals.prefix(5).map { interval in
                if let point = interval.point {
                    return "\(column.name) = \(operand(point.value, column.type(point.tag)))"
                }
                let bounds = [
                    bound(interval.lower, ">", parts.count, id, step),
                    bound(interval.upper, "<", parts.count, id, step),
                ]
                return bounds.compactMap(\.self).joined(separator: " and ")
            }
            let more = intervals.count > 5 ? ["…"] : []
            let all = "(\((texts + more).joined(separator: " or ")))"
            return (prefix(parts, id, step) + [all]).joined(separator: " and ")
        case .keys(let id, let parts, let tag, let values):
            let column = column(id, parts.count, step)
            let list = "\(column.name) in \(list(values, column.type(tag)))"
            return (prefix(parts, id, step) + [list]).joined(separator: " and ")
        case .any(let accesses):
            let texts = accesses.prefix(5).map { access in
                let name = access.index.flatMap { planner.table(step.table)?.index($0)?.name } ?? "?"
                return "\(text(access, of: step) ?? "all") by \(name)"
            }
            return (texts + (accesses.count > 5 ? ["…"] : [])).joined(separator: " or ")
        case .hash(let keys, _):
            return keys.map { "\(field($0.field, in: step.slot)) = \(operand($0.value, $0.field.type))" }
                .joined(separator: " and ")
        }
    }

    private struct Column {
        let name: String
        let whole: AlgebraicType

        func type(_ tag: UInt8?) -> AlgebraicType {
            guard let tag, let variants = whole.sumType?.variants, Int(tag) < variants.count else { return whole }
            return variants[Int(tag)].algebraicType
        }
    }

    private func column(_ id: IndexID, _ position: Int, _ step: Plan.Step) -> Column {
        guard let table = planner.table(step.table), let index = table.index(id), position < index.columns.count,
            let column = table.schema.column(index.columns[position])
        else { return Column(name: "?", whole: .unit) }
        return Column(name: column.name, whole: column.type)
    }

    private func prefix(_ parts: [Plan.KeyPart], _ id: IndexID, _ step: Plan.Step) -> [String] {
        parts.enumerated().map { position, part in
            let column = column(id, position, step)
            return "\(column.name) = \(operand(part.value, column.type(part.tag)))"
        }
    }

    private func bound(
        _ bound: Plan.Interval.Bound, _ sign: String, _ position: Int, _ id: IndexID, _ step: Plan.Step
    ) -> String? {
        let column = column(id, position, step)
        switch bound {
        case .unbounded: return nil
        case .beforeNil where column.whole.optionPayload != nil: return "\(column.name) is not null"
        case .included(let part): return "\(column.name) \(sign)= \(operand(part.value, column.type(part.tag)))"
        case .excluded(let part): return "\(column.name) \(sign) \(operand(part.value, column.type(part.tag)))"
        }
    }

    func operand(_ operand: Plan.Operand, _ type: AlgebraicType) -> String {
        switch operand {
        case .field(let field): self.field(field)
        case .computed(let expression): text(expression)
        case .literal(let bytes): ValueText.text(of: bytes, type)
        case .parameter(let number): parameter(number)
        }
    }

    private func parameter(_ number: Int) -> String {
        guard plan.parameters.indices.contains(number), let name = plan.parameters[number].name else {
            return "?\(number + 1)"
        }
        return ":\(name)"
    }

    // MARK: Conditions

    /// - Parameter slot: the table that needs no name, since everything is about it.
    func field(_ field: QueryField, in slot: Int? = nil) -> String {
        let table = plan.steps.first { $0.slot == field.slot }.flatMap { planner.table($0.table) }
        let name = table?.name(of: field.path) ?? "\(field.path)"
        return slot == field.slot || plan.steps.count == 1 ? name : "\(self.name(of: field.slot)).\(name)"
    }

    /// What the rows of a step are tested for.
    func tests(of step: Plan.Step) -> String? {
        var parts: [String] = []
        if step.filter != .all { parts.append(text(step.filter, step.slot)) }
        parts += step.conditions.map { text($0, in: step.slot) }
        return parts.isEmpty ? nil : Self.cut(parts.joined(separator: " and "))
    }

    private static func cut(_ text: String) -> String {
        text.count > characterLimit ? text.prefix(characterLimit) + "…" : text
    }

    /// Works off the terms with a stack, since a condition may have any shape; of a long one only the beginning is written.
    func text(_ predicate: RowPredicate, _ slot: Int) -> String {
        guard let table = plan.steps.first(where: { $0.slot == slot }).flatMap({ planner.table($0.table) }) else {
            return "\(predicate)"
        }
        let terms = predicate.normalTerms()
        if terms.count > 200 { return "a condition of \(terms.count) terms" }
        var stack: [(text: String, isAlone: Bool)] = []
        func enclosed(_ part: (text: String, isAlone: Bool)) -> String { part.isAlone ? part.text : "(\(part.text))" }
        for term in terms {
            switch term {
            case .and, .or:
                guard let right = stack.popLast(), let left = stack.popLast() else { continue }
                if term == .or {
                    stack.append(("\(left.text) or \(right.text)", false))
                } else {
                    stack.append(("\(enclosed(left)) and \(enclosed(right))", true))
                }
            case .not:
                guard let operand = stack.popLast() else { continue }
                stack.append(("not (\(operand.text))", true))
            default: stack.append((text(term, table), true))
            }
        }
        return stack.map { stack.count > 1 || predicate != .all ? enclosed($0) : $0.text }.joined(separator: " and ")
    }

    private func text(_ term: RowPredicate.Term, _ table: PlannedTable) -> String {
        func type(_ path: FieldPath) -> AlgebraicType { table.schema.type(of: path) ?? .unit }
        switch term {
        case .all: return "true"
        case .none: return "false"
        case .compare(let path, let comparison, let value):
            return "\(table.name(of: path)) \(Self.sign(comparison)) \(ValueText.text(of: value, type(path)))"
        case .compareParameter(let path, let comparison, let number):
            return "\(table.name(of: path)) \(Self.sign(comparison)) \(parameter(number))"
        case .compareFields(let path, let comparison, let other):
            return "\(table.name(of: path)) \(Self.sign(comparison)) \(table.name(of: other))"
        case .isPresent(let path): return "\(table.name(of: path)) is not null"
        case .hasPrefix(let path, let bytes): return "\(table.name(of: path)) like \(Self.prefix(bytes, type(path)))"
        case .isIn(let path, let values): return "\(table.name(of: path)) in \(self.values(values, type(path)))"
        case .isInParameter(let path, let number): return "\(table.name(of: path)) in \(parameter(number))"
        case .and, .or, .not: return ""
        }
    }

    private static func prefix(_ bytes: [UInt8], _ type: AlgebraicType) -> String {
        type == .bytes ? "0x\(Hexadecimal.text(bytes))…" : "'\(String(decoding: bytes, as: UTF8.self))%'"
    }

    private func list(_ list: Plan.ListOperand, _ type: AlgebraicType) -> String {
        switch list {
        case .values(let values): self.values(values, type)
        case .parameter(let number): parameter(number)
        }
    }

    /// The values themselves if they are few, else their number.
    private func values(_ values: ValueList, _ type: AlgebraicType) -> String {
        guard values.count <= 4, let list = try? Self.each(values, type) else { return "\(values.count) values" }
        return "(\(list.joined(separator: ", ")))"
    }

    private static func each(_ values: ValueList, _ type: AlgebraicType) throws(BSATNError) -> [String] {
        var reader = BSATNReader(values.bytes.span.bytes)
        var texts: [String] = []
        for _ in 0..<values.count {
            let value = try AlgebraicValue(from: &reader, type: type)
            texts.append(ValueText.text(of: value.bsatn(), type))
        }
        return texts
    }

    static func sign(_ comparison: RowPredicate.Comparison) -> String {
        switch comparison {
        case .equal: "="
        case .notEqual: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        }
    }

    // MARK: Expressions

    func text(_ expression: Expression, in slot: Int? = nil) -> String {
        func enclosed(_ operand: Expression) -> String {
            switch operand {
            case .and, .or, .arithmetic, .compare: "(\(text(operand, in: slot)))"
            default: text(operand, in: slot)
            }
        }
        switch expression {
        case .field(let field): return self.field(field, in: slot)
        case .literal(let bytes, let type): return ValueText.text(of: bytes, type)
        case .parameter(let number, _): return parameter(number)
        case .key(let number, _, _):
            guard let keys = plan.grouping?.keys, keys.indices.contains(number) else { return "key \(number + 1)" }
            return text(keys[number])
        case .aggregate(let number, _, _):
            guard let all = plan.grouping?.aggregates, all.indices.contains(number) else { return "aggregate" }
            return text(all[number])
        case .arithmetic(let operation, let left, let right):
            return "\(enclosed(left)) \(Self.sign(operation)) \(enclosed(right))"
        case .constant(let holds): return "\(holds)"
        case .compare(let comparison, let left, let right):
            return "\(enclosed(left)) \(Self.sign(comparison)) \(enclosed(right))"
        case .isPresent(let operand): return "\(enclosed(operand)) is not null"
        case .isIn(let operand, let values): return "\(enclosed(operand)) in \(self.values(values, operand.type))"
        case .hasPrefix(let operand, let bytes): return "\(enclosed(operand)) like \(Self.prefix(bytes, operand.type))"
        case .rows(let table, let predicate): return text(predicate, table)
        case .not(let operand): return "not (\(text(operand, in: slot)))"
        case .and(let operands): return operands.map(enclosed).joined(separator: " and ")
        case .or(let operands): return operands.map(enclosed).joined(separator: " or ")
        }
    }

    private static func sign(_ operation: Expression.Arithmetic) -> String {
        switch operation {
        case .add: "+"
        case .subtract: "-"
        case .multiply: "*"
        case .divide: "/"
        case .remainder: "%"
        }
    }

    func text(_ aggregate: QueryAggregate) -> String {
        let name =
            switch aggregate.function {
            case .count: "count"
            case .sum: "sum"
            case .min: "min"
            case .max: "max"
            case .average: "avg"
            }
        let argument = aggregate.argument.map { text($0) } ?? "*"
        return "\(name)(\(aggregate.isDistinct ? "distinct " : "")\(argument))"
    }
}
