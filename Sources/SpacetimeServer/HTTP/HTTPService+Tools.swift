import Hummingbird
import SpacetimeHost
import SpacetimeSATS

/// The Model Context Protocol, by which assistants use databases.
extension HTTPService {
    /// - Parameter segment: the database that tools are about; nil if each call names one.
    func useTools(
        _ segment: String?, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let body = try await exchange.jsonBytes(limit: options.bodyByteLimit)
        let fixed: HostedDatabase? = if let segment { try database(segment) } else { nil }
        let request: ToolRequest
        do throws(ToolRequest.Failure) { request = try ToolRequest(body) } catch {
            return .json(ToolRequest.failure(error, id: nil))
        }
        // A notification wants no answer.
        guard request.id != nil else { return .empty(202) }
        do throws(ToolRequest.Failure) {
            return .json(request.answer(try await result(of: request, fixed, principal)))
        } catch { return .json(ToolRequest.failure(error, id: request.id)) }
    }

    private func result(
        of request: ToolRequest, _ fixed: HostedDatabase?, _ principal: Principal
    ) async throws(ToolRequest.Failure) -> JSON {
        switch request.method {
        case "initialize":
            return .object([
                .init("protocolVersion", .string(ToolRequest.protocolVersion)),
                .init("capabilities", .object([.init("tools", .object([]))])),
                .init(
                    "serverInfo",
                    .object([.init("name", .string("spacetimedb")), .init("version", .string("2.8.3"))])),
            ])
        case "ping": return .object([])
        case "tools/list":
            let tools = Tool.allCases.filter { fixed == nil || $0 != .databases }
            return .object([
                .init("tools", .array(tools.map { $0.description(namesDatabase: fixed == nil) }))
            ])
        case "tools/call": return try await use(request, fixed, principal)
        case let name?: throw .unknownMethod(name)
        case nil: throw .noMethod
        }
    }

    private func use(
        _ request: ToolRequest, _ fixed: HostedDatabase?, _ principal: Principal
    ) async throws(ToolRequest.Failure) -> JSON {
        let name = try request.text("name", in: request.parameters)
        guard let tool = Tool(rawValue: name), fixed == nil || tool != .databases else {
            throw .badParameters("there is no tool '\(name)'")
        }
        let input = request.parameters["arguments"] ?? .object([])
        let segment: String? =
            if fixed == nil, tool.needsDatabase { try request.text("database", in: input) } else { nil }
        let work = try work(tool, request, input)
        // What a tool fails at is its result: the assistant is to read it.
        do throws(Refusal) {
            let database: HostedDatabase? = if let segment { try self.database(segment) } else { fixed }
            return try await perform(work, database, principal)
        } catch { return ToolRequest.result(error.text, isError: true) }
    }

    /// What a tool is to do, its parameters understood.
    private enum Work {
        case say(String)
        case describe
        case run(sql: String, isConfirmed: Bool)
        case call(String, [UInt8])
        case list
    }

    private func work(_ tool: Tool, _ request: ToolRequest, _ input: JSON) throws(ToolRequest.Failure) -> Work {
        switch tool {
        case .ping: return .say(input["message"]?.stringValue ?? "pong")
        case .schema: return .describe
        case .databases: return .list
        case .call:
            let arguments = input["args"] ?? .array([])
            return .call(try request.text("reducer", in: input), arguments.utf8)
        case .sql:
            let text = try request.text("sql", in: input)
            switch input["confirmed"] {
            case nil, .null?: return .run(sql: text, isConfirmed: true)
            case .bool(let isConfirmed)?: return .run(sql: text, isConfirmed: isConfirmed)
            default: throw .badParameters("the parameter 'confirmed' has to be true or false")
            }
        }
    }

    private func perform(
        _ work: Work, _ database: HostedDatabase?, _ principal: Principal
    ) async throws(Refusal) -> JSON {
        switch (work, database) {
        case (.say(let text), _): return ToolRequest.result(text)
        case (.list, _): return ToolRequest.result(listed.description)
        case (.describe, let database?):
            do {
                return ToolRequest.result(String(decoding: try database.schemaText(version: 9), as: UTF8.self))
            } catch { throw Refusal(500, FailureText.of(error)) }
        case (.run(let text, let isConfirmed), let database?):
            let query = SQLCall(database: database, text: text, isConfirmed: isConfirmed, limits: options.sql)
            let json = try await ConnectedWork(database: database, principal: principal).run {
                caller throws(Refusal) in try await query.run(caller)
            }
            return ToolRequest.result(String(decoding: json, as: UTF8.self))
        case (.call(let name, let arguments), let database?):
            let call = FunctionCall(database: database, name: name, arguments: arguments)
            let outcome = try await ConnectedWork(database: database, principal: principal).run {
                caller throws(Refusal) in try await call.run(caller)
            }
            return switch outcome {
            case .committed: ToolRequest.result("committed")
            case .failed(let text, _): ToolRequest.result(text, isError: true)
            case .returned(let json, _): ToolRequest.result(String(decoding: json, as: UTF8.self))
            }
        case (_, nil): throw Refusal(400, "say which database is meant")
        }
    }

    private var listed: JSON {
        .array(
            registry.all.map { database in
                .object([
                    .init("identity", .string(database.identity.hex)),
                    .init("names", .array(registry.names(of: database.identity).map { .string($0) })),
                ])
            })
    }
}
