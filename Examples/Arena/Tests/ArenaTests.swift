import ArenaClient
import ArenaModule
import SpacetimeClientKit
import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

struct ArenaTests {
    @Test func everybodyStaysInTheArena() throws {
        let test = try TestDatabase(Arena.self)
        try test.call(Arena.populate, 200, 500)
        let before = try runners(of: test)
        for _ in 0..<300 { try test.call(Arena.tick) }
        let after = try runners(of: test)
        #expect(before.count == 200 && after.count == 200)
        for runner in after {
            #expect(0..<Arena.side ~= runner.x && 0..<Arena.side ~= runner.y)
            #expect(abs(runner.dx) <= Runner.topSpeed && abs(runner.dy) <= Runner.topSpeed)
        }
        #expect(zip(before, after).contains { $0.x != $1.x || $0.y != $1.y })
    }

    @Test func coinsAreTakenOnceAndLieElsewhereThen() throws {
        let test = try TestDatabase(Arena.self)
        try test.call(Arena.populate, 300, 20_000)
        for _ in 0..<100 { try test.call(Arena.tick) }
        let coins = try test.rows(of: Coin.self)
        #expect(coins.count == 20_000)
        #expect(Set(coins.map(\.cell)).count == coins.count)
        #expect(try runners(of: test).map(\.coins).reduce(0, +) > 0)
    }

    @Test func playersSteerTheirOwnRunnerOnly() throws {
        let test = try TestDatabase(Arena.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        #expect(throws: SenderError.self) { try ada.call(Arena.steer, 1, 1) }
        try ada.call(Arena.join, "Ada")
        try bob.call(Arena.join, "Bob")
        #expect(throws: SenderError.self) { try bob.call(Arena.steer, Runner.topSpeed + 1, 0) }
        let before = try runners(of: test)
        try ada.call(Arena.steer, 8, 0)
        try test.call(Arena.tick)
        let after = try runners(of: test)
        let players = try test.rows(of: Player.self)
        let own = try #require(players.first { $0.name == "Ada" }).runner
        for (old, new) in zip(before, after) { #expect((old.x != new.x || old.dx != new.dx) == (new.id == own)) }
    }

    @Test func whoComesBackHasTheirOwnRunner() throws {
        let test = try TestDatabase(Arena.self)
        let ada = try test.connect(as: "ada")
        try ada.call(Arena.join, "Ada")
        let own = try #require(try test.rows(of: Player.self).first).runner
        try ada.disconnect()
        #expect(try runners(of: test).map(\.isSteered) == [false])
        let again = try test.connect(as: "ada")
        try again.call(Arena.join, "Ada again")
        #expect(try test.rows(of: Player.self).map(\.runner) == [own])
        #expect(try runners(of: test).map(\.isSteered) == [true])
    }

    @Test func clientsCannotMakeTicks() async throws {
        let client = try await DatabaseClient.connect(to: Database.open(.inMemory, module: Arena.self), as: "ada")
        await #expect(throws: (any Error).self) { try await client.call(Arena.tick) }
        await client.disconnect()
    }

    @Test func aTickFindsTheAreasItConcernsByLookUp() async throws {
        let database = try await Database.open(.inMemory, module: Arena.self)
        let area = Area(aroundX: 4000, y: 4000, columns: 80, rows: 24)
        let (runners, coins) = (try await database.subscribe(area.runners), try await database.subscribe(area.coins))
        let kinds = try database.liveQueryReport().kinds
        #expect(kinds.count == 2)
        for kind in kinds { #expect(kind.isFoundByLookUp, "\(kind)") }
        withExtendedLifetime((runners, coins)) {}
    }

    /// What a visitor sees is what is in their area, wherever they go.
    @Test(.timeLimit(.minutes(10)), arguments: [1, 2, 3, UInt64.random(in: 0...UInt64.max)])
    func visitorsSeeWhatIsAroundThem(seed: UInt64) async throws {
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        let database = try await Database.open(.inMemory, module: Arena.self)
        try await database.call(Arena.populate, 500, 500)
        var options = ClientOptions()
        options.delivery = .onFrameTick
        let client = try await DatabaseClient.connect(to: database, as: "ada", options: options)
        let visitor = Visitor(client, columns: 40, rows: 20)
        try visitor.join(as: "Ada")
        try await until(visitor) { $0.runner != nil && $0.area != nil }
        for tick in 0..<120 {
            if tick % 20 == 0 {
                // Far enough to leave the area, and never along a wall for long.
                try visitor.steer(dx: tick < 60 ? 8 : -8, dy: .random(in: -8...8, using: &random))
            }
            try await database.call(Arena.tick)
            try await until(visitor) { visitor in
                guard let own = visitor.runner else { return false }
                return try await database.read { $0.runner.id.find(own.id) } == own
            }
        }
        // Everything that was said arrives; then the client has what the database has.
        try await until(visitor) { visitor in
            guard let area = visitor.area, let own = visitor.runner else { return false }
            let all = try await database.read {
                $0.runner.rows.filter { area.contains(x: $0.x, y: $0.y) || $0.id == own.id }
            }
            return Set(all.map { "\($0)" }) == Set(try visitor.seen().runners.map { "\($0)" })
        }
        #expect(visitor.moves > 1)
        await client.disconnect()
    }

    @Test(.timeLimit(.minutes(10))) func aTurnIsSeenAtOnceAndOneThatIsRefusedNever() async throws {
        let database = try await Database.open(.inMemory, module: Arena.self)
        var options = ClientOptions()
        options.delivery = .onFrameTick
        let client = try await DatabaseClient.connect(to: database, as: "ada", options: options)
        let visitor = Visitor(client, columns: 40, rows: 20)
        try visitor.join(as: "Ada")
        try await until(visitor) { $0.runner != nil }
        let answers = Mutex(0)
        try visitor.steer(dx: 5, dy: -5) { answers.withLock { $0 += 1 } }
        try visitor.steer(dx: Runner.topSpeed + 1, dy: 0) { answers.withLock { $0 += 1 } }
        try visitor.frame()
        #expect(visitor.runner?.dx == 5 && visitor.runner?.dy == -5)
        try await until(visitor) { visitor in
            #expect(visitor.runner?.dx == 5)
            return answers.withLock { $0 } == 2
        }
        #expect(try await database.read { $0.runner.rows.first?.dx } == 5)
        await client.disconnect()
    }

    @Test func aPictureHasEverybodyInTheirCell() {
        let own = Runner(id: 1, x: 160, y: 160, dx: 0, dy: 0, isSteered: true, coins: 0)
        let other = Runner(id: 2, x: 160 + 32, y: 160, dx: 8, dy: 0, isSteered: false, coins: 0)
        let player = Runner(id: 3, x: 160, y: 160 - 16, dx: 0, dy: 0, isSteered: true, coins: 0)
        let coin = Coin(id: 1, cell: 0, x: 160 - 40, y: 160 + 24)
        let picture = Picture(around: own, runners: [own, other, player], coins: [coin], columns: 8, rows: 4)
        #expect(picture.lines == ["        ", "    O   ", "    @ o ", " ·      "])
        let later = Picture(around: own, runners: [own, other], coins: [], columns: 8, rows: 4, afterTicks: 2)
        #expect(later.lines[2] == "    @  o")
        let corner = Picture(
            around: Runner(id: 1, x: 0, y: 0, dx: 0, dy: 0, isSteered: true, coins: 0), runners: [], coins: [],
            columns: 4, rows: 4)
        #expect(corner.lines == ["░░░░", "░░░░", "░░@ ", "░░  "])
    }

    @Test func percentilesAreValuesThatWereThere() {
        var times = Percentiles()
        #expect(times.value(at: 99) == .zero)
        for value in 1...100 { times.add(.milliseconds(value)) }
        #expect(times.value(at: 50) == .milliseconds(50))
        #expect(times.value(at: 99) == .milliseconds(99))
        #expect(times.value(at: 100) == .milliseconds(100))
    }

    // MARK: Support

    private func runners(of test: TestDatabase<Arena>) throws -> [Runner] {
        try test.rows(of: Runner.self).sorted { $0.id < $1.id }
    }

    private func until(_ visitor: Visitor, _ condition: (Visitor) async throws -> Bool) async throws {
        while true {
            try visitor.frame()
            if try await condition(visitor) { return }
            await Task.yield()
        }
    }
}

/// Random numbers that follow from a seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
