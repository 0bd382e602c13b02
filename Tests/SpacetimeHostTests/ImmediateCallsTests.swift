import Testing

@testable import SpacetimeHost

/// Calls that guests ask for beside their transactions.
@Suite struct ImmediateCallsTests {
    private func call(_ number: Int, bytes: Int = 0) -> ImmediateCalls.Call {
        ImmediateCalls.Call(reducer: "\(number)", arguments: [UInt8](repeating: 0, count: bytes))
    }

    @Test func callsAreMadeInTheirOrderByOneAtATime() throws {
        let calls = ImmediateCalls()
        #expect(try calls.add(call(1)))
        #expect(try !calls.add(call(2)))
        #expect(calls.next() == call(1))
        #expect(try !calls.add(call(3)))
        #expect(calls.next() == call(2))
        #expect(calls.next() == call(3))
        // Whoever makes them is done, and somebody else is to be found.
        #expect(calls.next() == nil)
        #expect(try calls.add(call(4)))
    }

    @Test func noMoreWaitThanMay() throws {
        let calls = ImmediateCalls()
        for number in 0..<ImmediateCalls.limit { _ = try calls.add(call(number)) }
        let error = #expect(throws: DatabaseError.self) { try calls.add(call(0)) }
        #expect(error?.code == .limitReached)
        _ = calls.next()
        _ = try calls.add(call(0))
        #expect(calls.count == ImmediateCalls.limit)
    }

    @Test func theirArgumentsHaveALimitToo() throws {
        let calls = ImmediateCalls()
        for number in 0..<4 { _ = try calls.add(call(number, bytes: ImmediateCalls.byteLimit / 4)) }
        #expect(throws: DatabaseError.self) { try calls.add(call(4, bytes: 1)) }
        _ = try calls.add(call(5))
        _ = calls.next()
        _ = try calls.add(call(6, bytes: ImmediateCalls.byteLimit / 4))
    }
}
