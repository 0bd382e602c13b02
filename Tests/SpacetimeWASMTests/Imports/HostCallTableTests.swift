import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost
@testable import SpacetimeWASM

/// Every function that a host offers, with every outcome that it can have.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct HostCallTableTests {
    // MARK: The table is complete

    @Test func theHostOffersExactlyTheDeclaredFunctions() {
        let offered = HostFunctions.all.filter { $0.module != WASIFunctions.module }
        #expect(HostCallList.all.count == 30)
        #expect(
            Set(offered.map { "\($0.module) \($0.name)" })
                == Set(HostCallList.all.map { "spacetime_\($0.version) \($0.name)" }))
    }

    @Test func everyErrorOfEveryFunctionIsInTheTable() {
        #expect(Set(HostCallCase.documentedErrors.keys) == Set(HostCallList.all.map(\.name)))
        for (name, errors) in HostCallCase.documentedErrors {
            let cases = HostCallCase.all.filter { $0.name == name }
            let tried = Set(cases.compactMap { if case .error(let number) = $0.expected { number } else { nil } })
            #expect(tried == errors, "errors of \(name)")
            #expect(cases.contains { $0.expected == .success }, "\(name) succeeds nowhere")
        }
    }

    // MARK: Each line of it

    @Test(arguments: HostCallCase.all) func aFunctionDoesWhatTheTableSays(_ line: HostCallCase) async throws {
        let database = try ProbeDatabase()
        var program = line.program
        guard line.expected != .trap else {
            try await expectTrap(program, line.place, database)
            return
        }
        if line.place != .ownView, line.place != .everybodysView { program.said = nil }
        if line.place == .reducer || line.place == .connect { program.said = [] }
        let outcome = try await database.run(program, in: line.place)
        switch line.expected {
        case .success:
            let noErrors: Set<String> = ["console_timer_start", "procedure_sleep_until"]
            #expect(outcome.last == 0 || outcome.last == -1 || noErrors.contains(line.name))
        case .error(let number): #expect(outcome.last == number)
        case .trap: break
        }
        try line.check(outcome)
    }

    // MARK: Addresses

    /// A call with one address that is wrong, and what comes of it.
    struct WrongAddress: CustomTestStringConvertible {
        let line: HostCallCase
        let position: Int
        let address: UInt64
        /// The name of the parameter.
        let parameter: String

        var testDescription: String { "\(line.name), \(parameter) at \(String(address, radix: 16))" }
        var program: ProbeProgram {
            let program = line.program
            var arguments = program.lastArguments
            arguments[position] = .number(address)
            return program.replacingLastArguments(arguments)
        }
    }

    /// Every address that functions are given, once null and once just behind the end of all memory.
    static let wrongAddresses: [WrongAddress] = HostCallList.all.flatMap { function -> [WrongAddress] in
        guard let line = HostCallCase.all.first(where: { $0.name == function.name && $0.expected == .success }) else {
            return []
        }
        return function.parameters.enumerated().filter { $0.element.kind == .pointer }
            .flatMap { position, parameter in
                [0, 0xffff_ffff].map {
                    WrongAddress(line: line, position: position, address: $0, parameter: parameter.name)
                }
            }
    }

    @Test func everyAddressIsTriedWrong() {
        let pointers = HostCallList.all.reduce(0) { $0 + $1.parameters.count { $0.kind == .pointer } }
        #expect(Self.wrongAddresses.count == 2 * pointers)
        #expect(pointers > 50)
    }

    @Test(arguments: wrongAddresses) func aWrongAddressStopsTheGuestAndNothingElse(_ wrong: WrongAddress) async throws {
        let database = try ProbeDatabase()
        // A line that cannot be read is not written. A prefix without columns is not looked at.
        let isIgnored = wrong.line.name == "console_log" || wrong.parameter == "prefix"
        if isIgnored {
            #expect(try database.run(wrong.program).last == 0)
        } else {
            try await expectTrap(wrong.program, wrong.line.place, database)
        }
    }

    /// Runs a program that stops the guest, and sees that nothing of it is left, and that the next call goes well.
    private func expectTrap(
        _ program: ProbeProgram, _ place: ProbeDatabase.Place, _ database: ProbeDatabase
    ) async throws {
        let error = await #expect(throws: DatabaseError.self) { try await database.run(program, in: place) }
        #expect(error?.code == .moduleFailure)
        #expect(try database.items() == ["a", "b", "c"])
        var next = ProbeProgram()
        next.insert(8, "after")
        #expect(try database.run(next).last == 0)
        #expect(try database.items() == ["a", "after", "b", "c"])
    }

    // MARK: While the module starts

    /// Nothing of a database is there yet, and the console is.
    @Test func startingModulesHaveNoTransaction() async throws {
        let database = try ProbeDatabase()
        let value = try await database.core.procedures.call("start", arguments: [], as: database.client)
        let bytes = try [UInt8](bsatn: value)
        var reader = BSATNReader(bytes.span.bytes)
        var results: [Int64] = []
        for _ in 0..<16 { results.append(try reader.readI64()) }
        #expect(results == Array(repeating: 2, count: 15) + [0])
        let names = HostCallCase.documentedErrors.filter { $0.value.contains(2) }.keys
        #expect(names.count == 15, "the probe tries all of them")
    }
}
