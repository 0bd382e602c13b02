import SpacetimeDurability
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeHost

@Suite struct ModuleLogTests {
    private let clock = VirtualClock()

    private func log(_ change: (inout ModuleLogOptions) -> Void = { _ in }) -> ModuleLog {
        var options = ModuleLogOptions()
        change(&options)
        return ModuleLog(options, clock: clock)
    }

    @Test func theNewestRecordsAreReadOldestFirst() {
        let log = log()
        for number in 0..<10 { log.append(.info, "\(number)") }
        #expect(log.last(3).map(\.message) == ["7", "8", "9"])
        #expect(log.last().count == 10)
        #expect(log.last(0).isEmpty)
        #expect(log.last(-1).isEmpty)
        #expect(log.last(99).count == 10)
        #expect(log.last(1).first?.timestamp == clock.now())
    }

    @Test func recordsAndBytesAreBounded() {
        let few = log { $0.recordLimit = 100 }
        for number in 0..<10_000 { few.append(.info, "\(number)") }
        #expect(few.last().map(\.message) == (9_900..<10_000).map(String.init))

        let small = log { $0.byteLimit = 10_000 }
        for _ in 0..<1_000 { small.append(.info, String(repeating: "x", count: 800)) }
        #expect(small.last().count == 10)
        small.append(.info, String(repeating: "y", count: 50_000))
        #expect(small.last().count == 1, "the newest one is kept however large it is")
    }

    @Test func longTextsAreCutBetweenCharacters() throws {
        let log = log { $0.messageByteLimit = 9 }
        log.append(.info, "123456789")
        log.append(.info, "1234567890")
        #expect(log.last().map(\.message) == ["123456789", "123456789… (1 more bytes)"])
        log.append(.info, "12345678ü and more")
        let cut = try #require(log.last(1).first?.message)
        #expect(cut.hasPrefix("12345678") && cut.hasSuffix("more bytes)"))
    }

    @Test(arguments: LogLevel.allCases) func linesOfLowerLevelsAreNotKept(threshold: LogLevel) {
        let log = log { $0.level = threshold }
        for level in LogLevel.allCases { log.append(level, level.name) }
        let order: [LogLevel] = [.panic, .error, .warn, .info, .debug, .trace]
        let kept = order.prefix((order.firstIndex(of: threshold) ?? 0) + 1)
        #expect(Set(log.last().map(\.level)) == Set(kept))
    }

    @Test func guestsNumberTheirLevels() {
        #expect((0...4).map { LogLevel(number: $0) } == [.error, .warn, .info, .debug, .trace])
        #expect(LogLevel(number: 101) == .panic)
        #expect(LogLevel(number: 5) == .debug)
        #expect(LogLevel(number: 255) == .debug)
    }

    // MARK: JSON

    @Test func recordsAreWrittenAsTheSpecificationSays() {
        let time = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)
        let info = LogRecord(
            .info, at: time, target: "arena", file: "src/lib.rs", line: 42, function: "add_user", message: "hello")
        #expect(
            info.json
                == #"{"level":"Info","ts":1700000000123456,"target":"arena","filename":"src/lib.rs","line_number":42,"#
                + #""function":"add_user","message":"hello"}"#)
        let panic = LogRecord(
            .panic, at: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_457), function: "add_user",
            message: "boom", trace: [LogRecord.Frame(module: "arena", function: "add_user")])
        #expect(
            panic.json
                == #"{"level":"Panic","ts":1700000000123457,"function":"add_user","message":"boom","#
                + #""trace":[{"module_name":"arena","func_name":"add_user"}]}"#)
        let host = LogRecord.ofHost(
            .info, at: Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_458), "Database initialized")
        #expect(
            host.json
                == #"{"level":"Info","ts":1700000000123458,"target":"__spacetimedb__","filename":"__spacetimedb__","#
                + #""function":"__spacetimedb__","message":"Database initialized"}"#)
        #expect(host.isOfHost && !info.isOfHost)
    }

    @Test func recordsAreReadBack() {
        let time = Timestamp(microsecondsSinceUnixEpoch: -5)
        let records = [
            LogRecord(.warn, at: time, message: "two\nlines, \"quoted\" \u{1} ü"),
            LogRecord(.trace, at: time, target: "", file: "a\\b", line: .max, function: "f", message: ""),
            LogRecord(
                .panic, at: time, message: "x",
                trace: [
                    .init(module: nil, function: "f"), .init(module: "m", function: nil),
                    .init(module: nil, function: nil),
                ]),
        ]
        for record in records {
            #expect(!record.json.contains("\n"))
            #expect(LogRecord(jsonLine: record.jsonLine) == record)
        }
        for line in [
            "", "{}", "[]", #"{"level":"info","ts":1,"message":""}"#, #"{"level":"Info","ts":1.5,"message":""}"#,
        ] {
            #expect(LogRecord(jsonLine: Array(line.utf8)) == nil)
        }
    }

    // MARK: Following

    @Test func followersGetTheBacklogAndThenWhatComes() async {
        let log = log()
        for number in 0..<5 { log.append(.info, "\(number)") }
        let fromNow = log.follow()
        let fromThree = log.follow(backlog: 3)
        let fromFirst = log.follow(backlog: nil)
        for number in 5..<8 { log.append(.info, "\(number)") }
        log.close()
        #expect(await fromNow.map(\.message).all() == ["5", "6", "7"])
        #expect(await fromThree.map(\.message).all() == ["2", "3", "4", "5", "6", "7"])
        #expect(await fromFirst.map(\.message).all() == (0..<8).map(String.init))
    }

    @Test func waitingFollowersAreWoken() async {
        let log = log()
        await withTaskGroup(of: [String].self) { group in
            for _ in 0..<5 {
                let records = log.follow()
                group.addTask { await records.map(\.message).all() }
            }
            for number in 0..<100 {
                log.append(.info, "\(number)")
                await Task.yield()
            }
            log.close()
            for await messages in group { #expect(messages == (0..<100).map(String.init)) }
        }
    }

    @Test func aFollowerThatNeverReadsHoldsUpNobodyAndIsToldWhatItLost() async throws {
        let log = log { $0.recordLimit = 1_000 }
        var sink = log.follow().makeAsyncIterator()
        // Nothing is read meanwhile; writing goes on, and memory is that of the log.
        for number in 0..<1_000_000 { log.append(.info, "\(number)") }
        #expect(log.last().count == 1_000)
        let first = try #require(await sink.next())
        #expect(first.level == .warn && first.isOfHost)
        #expect(first.message == "999000 records are missing here: they came faster than they were read")
        for number in 999_000..<1_000_000 { #expect(await sink.next()?.message == "\(number)") }
        log.close()
        #expect(await sink.next() == nil)
    }

    @Test func cancelledFollowersEnd() async {
        let log = log()
        let followers = (0..<100).map { _ in
            Task { await log.follow().map(\.message).all() }
        }
        for (number, follower) in followers.enumerated() {
            if number % 3 == 0 { await Task.yield() }
            follower.cancel()
        }
        for follower in followers { #expect(await follower.value.isEmpty) }
        #expect(log.state.withLock { $0.waiters.isEmpty })
    }
}

extension AsyncSequence where Self: Sendable, Failure == Never {
    fileprivate func all() async -> [Element] {
        var all: [Element] = []
        for await element in self { all.append(element) }
        return all
    }
}
