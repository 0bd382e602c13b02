import NIOCore
import NIOPosix
import SpacetimeHost
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

@Suite struct LimitTests {
    private func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(5_000_000_000) + .milliseconds(milliseconds)
    }

    // MARK: Rates

    @Test func aBurstIsAdmittedAndThenTheRate() {
        var limiter = RateLimiter(RateLimit(perSecond: 10, burst: 5))
        for _ in 0..<5 { #expect(limiter.admit(at: time(0)) == nil) }
        #expect(limiter.admit(at: time(0)) == .milliseconds(100))
        #expect(limiter.admit(at: time(40)) == .milliseconds(60), "what was refused was not counted")
        #expect(limiter.admit(at: time(100)) == nil)
        #expect(limiter.admit(at: time(100)) == .milliseconds(100))
        // After a pause there is a whole burst again, and no more.
        for _ in 0..<5 { #expect(limiter.admit(at: time(60_000)) == nil) }
        #expect(limiter.admit(at: time(60_000)) != nil)
    }

    @Test(arguments: [3.0, 7, 1_000, 200_000]) func theRateHoldsOverALongTime(rate: Double) {
        var limiter = RateLimiter(RateLimit(perSecond: rate, burst: 1))
        var admitted = 0
        // Somebody who asks again as soon as he was told to.
        var now = time(0)
        let end = now + .seconds(5)
        while now < end {
            if let wait = limiter.admit(at: now) { now = now + wait } else { admitted += 1 }
        }
        #expect(abs(Double(admitted) - rate * 5) <= 1 + rate * 0.01)
    }

    @Test func whatIsChargedAnywayIsPaidByWaiting() {
        var limiter = RateLimiter(RateLimit(perSecond: 1_000, burst: 6_000))
        #expect(limiter.charge(6_000, at: time(0)) == nil, "6,000 calls in a burst")
        #expect(limiter.charge(500, at: time(0)) == .milliseconds(500))
        #expect(limiter.charge(1, at: time(500)) == .milliseconds(1))
        #expect(limiter.charge(1, at: time(60_000)) == nil)
    }

    @Test func absurdRatesAreMadePossible() {
        var limiter = RateLimiter(RateLimit(perSecond: 0, burst: 0))
        #expect(limiter.admit(at: time(0)) == nil)
        #expect(limiter.admit(at: time(0)) != nil)
    }

    @Test func certainReducersHaveRatesOfTheirOwn() {
        var limits = ClientLimits()
        limits.reducerRates = ["send": .perSecond(1), "gone": .perSecond(1)]
        let counts = CallRates()
        func makeRates(_ limits: ClientLimits, _ name: String = "ann") -> ReducerRates {
            ReducerRates(
                limits, declared: [3: .perMinute(1), 4: .perMinute(2)],
                of: .identity(Identity(issuer: "i", subject: name)), in: counts,
                reducers: ["a", "b", "c", "send", "shout"].map { ($0, $0) })
        }
        let rates = makeRates(limits)
        #expect(!rates.isEmpty)
        #expect(rates.admit(3, at: time(0)) == nil)
        #expect(rates.admit(3, at: time(0)) == .seconds(1))
        for _ in 0..<100 { #expect(rates.admit(2, at: time(0)) == nil) }
        #expect(rates.admit(3, at: time(1_000)) == nil)
        #expect(
            ReducerRates.refusal(of: "send", wait: .microseconds(1_500))
                == "'send' was called too often; wait 2 ms and call it again")
        // What the module says holds where nothing else is said.
        #expect(rates.admit(4, at: time(0)) == nil)
        #expect(rates.admit(4, at: time(0)) == nil)
        #expect(rates.admit(4, at: time(0)) == .seconds(30))
        // Somebody else counts by himself, another connection of the same one does not.
        #expect(makeRates(limits, "bob").admit(4, at: time(0)) == nil)
        #expect(makeRates(limits).admit(4, at: time(0)) != nil)
        #expect(makeRates(.trusted).isEmpty)
    }

    @Test func callersThatHaveBeenQuietAreForgotten() {
        let counts = CallRates()
        for number in 0..<10_000 {
            let caller = CallRates.Caller.identity(Identity(issuer: "i", subject: "\(number)"))
            #expect(counts.admit("say", of: caller, .perSecond(1), at: time(Int64(number))) == nil)
            #expect(counts.admit("say", of: caller, .perSecond(1), at: time(Int64(number))) != nil)
        }
        #expect(counts.count <= 4_096, "each is remembered for a second, and there are a thousand a second")
        #expect(counts.count >= 1_000)
    }

    // MARK: Whom a limit is about

    @Test func theFirstLimitsThatAreAboutAClientCount() {
        let (owner, heavy, stranger) = (
            Identity(issuer: "i", subject: "owner"), Identity(issuer: "i", subject: "heavy"),
            Identity(issuer: "i", subject: "stranger")
        )
        var policy = LimitPolicy()
        var own = ClientLimits()
        own.subscriptionLimit = 1
        var staff = ClientLimits()
        staff.subscriptionLimit = 2
        policy.identities[heavy] = own
        policy.roles["staff"] = staff
        policy.everybody.subscriptionLimit = 3
        func limit(_ identity: Identity, _ claims: String = "{}") -> Int? {
            policy.limits(of: identity, claims: claims, owner: owner).subscriptionLimit
        }
        #expect(limit(owner) == nil)
        #expect(limit(heavy, #"{"roles":["staff"]}"#) == 1)
        #expect(limit(stranger) == 3)
        #expect(limit(stranger, #"{"roles":["guest","staff"]}"#) == 2)
        #expect(limit(stranger, #"{"role":"staff"}"#) == 2)
        #expect(limit(stranger, #"{"roles":"staff"}"#) == 3)
        #expect(limit(stranger, "no JSON") == 3)
        policy.identities[owner] = own
        #expect(limit(owner) == 1, "what is said of an identity comes first")
    }

    // MARK: Connections

    @Test func connectionsOfAnAddressAreBounded() throws {
        var policy = LimitPolicy()
        policy.connectionsPerAddress = 2
        let counter = ConnectionCounter(policy)
        let one = ConnectionCounter.Origin(try SocketAddress(ipAddress: "10.0.0.1", port: 1))
        let again = ConnectionCounter.Origin(try SocketAddress(ipAddress: "10.0.0.1", port: 2))
        let mapped = ConnectionCounter.Origin(try SocketAddress(ipAddress: "::ffff:10.0.0.1", port: 3))
        let other = ConnectionCounter.Origin(try SocketAddress(ipAddress: "10.0.0.2", port: 1))
        #expect(counter.enter(one))
        #expect(counter.enter(again))
        #expect(!counter.enter(one))
        #expect(!counter.enter(mapped))
        #expect(counter.enter(other))
        counter.leave(again)
        #expect(counter.enter(mapped))
        for origin in [one, one, other] { counter.leave(origin) }
        #expect(counter.originCount == 0, "nothing is kept of those who are gone")
        counter.leave(one)
        #expect(counter.enter(one))
    }

    @Test func allAddressesOfAnIPv6NetworkAreOne() throws {
        var policy = LimitPolicy()
        policy.connectionsPerAddress = 1
        let counter = ConnectionCounter(policy)
        #expect(counter.enter(.init(try SocketAddress(ipAddress: "2001:db8:1:2::1", port: 1))))
        #expect(!counter.enter(.init(try SocketAddress(ipAddress: "2001:db8:1:2:ffff::9", port: 1))))
        #expect(counter.enter(.init(try SocketAddress(ipAddress: "2001:db8:1:3::1", port: 1))))
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
    func theMachineItselfIsNotCountedUnlessAskedFor(address: String) throws {
        var policy = LimitPolicy()
        policy.connectionsPerAddress = 1
        let origin = ConnectionCounter.Origin(try SocketAddress(ipAddress: address, port: 1))
        let lenient = ConnectionCounter(policy)
        #expect((0..<10).allSatisfy { _ in lenient.enter(origin) })
        policy.countsLoopback = true
        let strict = ConnectionCounter(policy)
        #expect(strict.enter(origin))
        #expect(!strict.enter(origin))
    }

    @Test func socketsOfTheFileSystemAreNotCounted() throws {
        #expect(ConnectionCounter.Origin(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
        #expect(ConnectionCounter.Origin(nil) == nil)
        var policy = LimitPolicy()
        policy.connectionsPerAddress = 0
        #expect(ConnectionCounter(policy).enter(nil))
    }

    // MARK: Slow peers

    @Test func aReaderThatTakesNothingIsStuck() {
        var watch = SendWatch(timeout: .seconds(30))
        #expect(watch.isStuck(written: 0, isWaiting: false, at: time(0)) == false)
        #expect(watch.isStuck(written: 0, isWaiting: true, at: time(1_000)) == false)
        #expect(watch.isStuck(written: 0, isWaiting: true, at: time(30_999)) == false)
        #expect(watch.isStuck(written: 0, isWaiting: true, at: time(31_000)) == true)
    }

    @Test func aReaderThatTakesALittleIsNotStuck() {
        var watch = SendWatch(timeout: .seconds(30))
        for step in 0..<100 {
            #expect(watch.isStuck(written: UInt64(step), isWaiting: true, at: time(Int64(step) * 29_000)) == false)
        }
        #expect(watch.isStuck(written: 99, isWaiting: false, at: time(100 * 29_000)) == false)
        #expect(
            watch.isStuck(written: 99, isWaiting: true, at: time(200 * 29_000)) == false,
            "it begins anew when all was taken")
    }

    @Test func aMessageThatDoesNotEndIsStuck() {
        var watch = MessageWatch(timeout: .seconds(60))
        #expect(!watch.isStuck(at: time(0)))
        watch.didRead(isComplete: false, at: time(0))
        for step in 1..<60 {
            watch.didRead(isComplete: false, at: time(Int64(step) * 1_000))
            #expect(!watch.isStuck(at: time(Int64(step) * 1_000)))
        }
        #expect(watch.isStuck(at: time(60_000)), "a byte now and then does not help")
        watch.didRead(isComplete: true, at: time(60_000))
        #expect(!watch.isStuck(at: time(600_000)))
    }

    @Test func theSystemTakesLittleOfThoseWhoDoNotRead() async throws {
        let limits = Mailbox<Int>()
        let group = MultiThreadedEventLoopGroup.singleton
        let listening = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                UnsentBytes.bound(channel)
                let option = ChannelOptions.Types.SocketOption(level: .tcp, name: UnsentBytes.option)
                limits.put(try channel.syncOptions?.getOption(option) ?? 0)
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listening.localAddress?.port)
        let client = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
        #expect(try await limits.take(within: RawClient.patience, on: group.any()) == UnsentBytes.limit)
        try await client.close()
        try await listening.close()
    }
}
