import SpacetimeSATS
import SpacetimeSchema

/// What a database has, as its server tells it.
struct DatabaseSchema {
    /// With what its submodules define among its own parts, under their full names.
    let module: ModuleSchema

    /// - Throws: what breaks the rules, if a server tells something that does.
    init(json: JSON) throws(CommandFailure) {
        do {
            let published = try RawModuleDefV10(json: json)
            module = try ModuleSchema(validating: published.withCanonicalNames(), options: .stored).flattened()
        } catch {
            throw CommandFailure(.refused, "the schema that the server gave cannot be understood: \(error)")
        }
    }

    init(_ module: ModuleSchema) { self.module = module.flattened() }

    // MARK: Functions

    /// What clients can call.
    enum Function {
        case reducer(ReducerSchema)
        case procedure(ProcedureSchema)

        var name: String {
            switch self {
            case .reducer(let reducer): reducer.name
            case .procedure(let procedure): procedure.name
            }
        }

        var parameters: [ParameterSchema] {
            switch self {
            case .reducer(let reducer): reducer.parameters
            case .procedure(let procedure): procedure.parameters
            }
        }

        /// `add_user(id: UInt32, name: String)`
        var text: String {
            let parameters = parameters.map { "\($0.name): \($0.type.swiftText)" }.joined(separator: ", ")
            switch self {
            case .reducer: return "\(name)(\(parameters))"
            case .procedure(let procedure):
                let result = procedure.returnType.isUnit ? "" : " -> \(procedure.returnType.swiftText)"
                return "\(name)(\(parameters))\(result)"
            }
        }
    }

    /// What can be called by name: lifecycle reducers cannot.
    var functions: [Function] {
        module.reducers.filter { $0.lifecycle == nil }.map { .reducer($0) } + module.procedures.map { .procedure($0) }
    }

    /// - Throws: with what there is instead.
    func function(named name: String, in database: String) throws(CommandFailure) -> Function {
        if let found = functions.first(where: { $0.name == name }) { return found }
        if module.reducers.contains(where: { $0.name == name }) {
            throw CommandFailure(
                .usage, "'\(name)' is called by the database itself, when it is made or somebody comes or goes")
        }
        let names = functions.map(\.name)
        if let near = Spelling.nearest(to: name, among: names) {
            throw CommandFailure(.usage, "'\(database)' has no reducer or procedure '\(name)'; '\(near)' is there")
        }
        throw CommandFailure(
            .usage,
            "'\(database)' has no reducer or procedure '\(name)'; "
                + (names.isEmpty ? "it has none at all" : "it has \(names.joined(separator: ", "))"))
    }
}

/// Guesses what was meant.
enum Spelling {
    /// The text that differs least, if it differs little.
    static func nearest(to text: String, among texts: [String]) -> String? {
        let measured = texts.map { (text: $0, distance: distance(text, $0)) }
        guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, text.count / 3) ? best.text : nil
    }

    /// How many letters have to be added, left out or exchanged.
    static func distance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.lowercased()), Array(second.lowercased()))
        var row = Array(0...second.count)
        for (line, letter) in first.enumerated() {
            var corner = row[0]
            row[0] = line + 1
            for (column, other) in second.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, corner + (letter == other ? 0 : 1))
                corner = above
            }
        }
        return row[second.count]
    }
}
