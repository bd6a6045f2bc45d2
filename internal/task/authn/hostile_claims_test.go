package authn

import (
	"fmt"
	"strings"
)

// signed is a token with a good header and these claims.
func signed(name, claims string, reason Reason) hostile {
	return token(name, forge(goodHeader, claims, active), reason)
}

// headed is a token with good claims under this header.
func headed(name, header string, reason Reason) hostile {
	return token(name, forge(header, goodClaims(), active), reason)
}

func hostileHeaders() []hostile {
	return []hostile{
		headed("header null", `null`, Algorithm),
		headed("header string", `"HS256"`, Malformed),
		headed("header array", `[{"alg":"HS256"}]`, Malformed),
		headed("header empty", ``, Malformed),
		headed("header cut off", `{"alg":"HS256"`, Malformed),
		headed("header and more", `{"alg":"HS256"}{}`, Malformed),
		headed("header with a comment", `{"alg":"HS256"/**/}`, Malformed),
		headed("header with a trailing comma", `{"alg":"HS256",}`, Malformed),
		headed("header with single quotes", `{'alg':'HS256'}`, Malformed),
		headed("header with a byte order mark", "\ufeff"+goodHeader, Malformed),
		headed("header not UTF-8", "{\"alg\":\"HS256\",\"x\":\"\xff\"}", Malformed),
		headed("header with half a surrogate pair", `{"alg":"HS256","x":"\ud800"}`, Malformed),
		headed("algorithm twice, good last", `{"alg":"none","alg":"HS256"}`, Malformed),
		headed("algorithm twice, good first", `{"alg":"HS256","alg":"none"}`, Malformed),
		headed("algorithm twice, once escaped", `{"alg":"HS256","\u0061lg":"HS256"}`, Malformed),
		headed("kid twice", `{"alg":"HS256","kid":"2","kid":"2"}`, Malformed),
		headed("a nested name twice", `{"alg":"HS256","x":{"a":1,"a":2}}`, Malformed),
		headed("deeply nested", `{"alg":"HS256","x":`+strings.Repeat("[", 5000)+`}`, Malformed),
		headed("crit exp", `{"alg":"HS256","crit":["exp"],"exp":1}`, Critical),
		headed("crit empty", `{"alg":"HS256","crit":[]}`, Critical),
		headed("crit null", `{"alg":"HS256","crit":null}`, Critical),
		headed("crit string", `{"alg":"HS256","crit":"b64"}`, Critical),
		headed("crit b64", `{"alg":"HS256","b64":false,"crit":["b64"]}`, Critical),
		headed("b64 false without crit", `{"alg":"HS256","b64":false}`, Critical),
		headed("b64 of another type", `{"alg":"HS256","b64":"false"}`, Critical),
	}
}

func hostileKeyIDs() []hostile {
	var all []hostile
	for _, kid := range []string{
		`""`, `"0"`, `"4"`, `"02"`, `"+2"`, `"-2"`, `" 2"`, `"2 "`, `"2.0"`, `"2e0"`, `"0x2"`, `"２"`, `"2\u0000"`, `"v2"`, `"2,1"`,
		`"../../dev/null"`, `"/etc/passwd"`, `"2' OR '1'='1"`, `"active"`, `"18446744073709551618"`, `"http://evil/2"`,
		`2`, `2.0`, `null`, `true`, `["2"]`, `{"2":1}`, `-1`, `1e400`,
	} {
		all = append(all, headed("kid "+kid, `{"alg":"HS256","kid":`+kid+`}`, UnknownKey))
	}
	return append(all,
		headed("kid of another trusted key", `{"alg":"HS256","kid":"1"}`, Signature),
		headed("kid of the published key", `{"alg":"HS256","kid":"3"}`, Signature),
	)
}

func hostileSignatures() []hostile {
	parts := strings.Split(good(), ".")
	other := strings.Split(forge(goodHeader, claimsWith(`"sub":"mallory"`, exp(900)), "a key of their own"), ".")
	key := b64(active)
	return []hostile{
		token("no signature", parts[0]+"."+parts[1]+".", Signature),
		token("short signature", parts[0]+"."+parts[1]+"."+b64("short"), Signature),
		token("long signature", parts[0]+"."+parts[1]+"."+b64(strings.Repeat("x", 33)), Signature),
		token("signature of zeroes", parts[0]+"."+parts[1]+"."+b64(strings.Repeat("\x00", 32)), Signature),
		token("signature of another token", parts[0]+"."+parts[1]+"."+other[2], Signature),
		token("claims of another token", parts[0]+"."+other[1]+"."+parts[2], Signature),
		token("header of another token", b64(`{"alg":"HS256"}`)+"."+parts[1]+"."+parts[2], Signature),
		token("key of their own", strings.Join(other, "."), Signature),
		token("key of their own, no kid", forge(`{"alg":"HS256"}`, goodClaims(), "mine"), Signature),
		token("empty key", forge(`{"alg":"HS256"}`, goodClaims(), ""), Signature),
		token("key base64-encoded", forge(goodHeader, goodClaims(), key), Signature),
		token("key with a line break", forge(goodHeader, goodClaims(), active+"\n"), Signature),
		token("all keys at once", forge(`{"alg":"HS256"}`, goodClaims(), active+published), Signature),
		token("embedded jwk", forge(`{"alg":"HS256","jwk":{"kty":"oct","k":"bWluZQ"}}`, goodClaims(), "mine"), Signature),
		token("jku", forge(`{"alg":"HS256","jku":"http://127.0.0.1/jwks"}`, goodClaims(), "mine"), Signature),
		token("x5u and x5c", forge(`{"alg":"HS256","x5u":"http://127.0.0.1/","x5c":["bWluZQ=="]}`, goodClaims(), "mine"), Signature),
		token("well signed but for a bad claim text", forge(goodHeader, "not JSON", "mine"), Signature),
	}
}

func hostileClaims() []hostile {
	return []hostile{
		signed("claims null", `null`, NoExpiry),
		signed("claims empty", ``, Malformed),
		signed("claims {}", `{}`, NoExpiry),
		signed("claims string", `"alice"`, Malformed),
		signed("claims array", `[`+goodClaims()+`]`, Malformed),
		signed("claims and more", goodClaims()+`{}`, Malformed),
		signed("claims cut off", strings.TrimSuffix(goodClaims(), "}"), Malformed),
		signed("claims not UTF-8", "{\"sub\":\"alice\xff\"}", Malformed),
		signed("nested token", forge(goodHeader, goodClaims(), active), Malformed),
		token("cty JWT", forge(`{"alg":"HS256","cty":"JWT"}`, good(), active), Malformed),
		signed("subject twice", claimsWith(`"sub":"alice"`, `"sub":"bob"`, exp(900)), Malformed),
		signed("subject twice, once escaped", claimsWith(`"sub":"alice"`, `"s\u0075b":"bob"`, exp(900)), Malformed),
		signed("expiry twice", claimsWith(`"sub":"alice"`, exp(900), exp(-900)), Malformed),
		signed("a nested name twice", claimsWith(`"sub":"alice"`, exp(900), `"x":[{"a":1,"a":1}]`), Malformed),
	}
}

func hostileTimes() []hostile {
	all := []hostile{
		signed("no exp", claimsWith(`"sub":"alice"`), NoExpiry),
		signed("exp in capitals", claimsWith(`"sub":"alice"`, `"EXP":1800000900`), NoExpiry),
		signed("expired long ago", claimsWith(`"sub":"alice"`, exp(-3600)), Expired),
		signed("expired at the end of the leeway", claimsWith(`"sub":"alice"`, exp(-30)), Expired),
		signed("expired by a fraction", claimsWith(`"sub":"alice"`, `"exp":1799999969.999`), Expired),
		signed("exp 0", claimsWith(`"sub":"alice"`, `"exp":0`), Expired),
		signed("exp -1", claimsWith(`"sub":"alice"`, `"exp":-1`), Expired),
		signed("exp -1e300", claimsWith(`"sub":"alice"`, `"exp":-1e300`), Expired),
		signed("exp past the lifetime", claimsWith(`"sub":"alice"`, exp(168*3600+31)), Lifetime),
		signed("exp in milliseconds", claimsWith(`"sub":"alice"`, `"exp":1800000900000`), Lifetime),
		signed("exp 1e300", claimsWith(`"sub":"alice"`, `"exp":1e300`), Lifetime),
		signed("exp 2^63", claimsWith(`"sub":"alice"`, `"exp":9223372036854775808`), Lifetime),
		signed("not yet", claimsWith(`"sub":"alice"`, exp(900), `"nbf":1800000031`), NotYet),
		signed("not yet by a fraction", claimsWith(`"sub":"alice"`, exp(900), `"nbf":1800000030.001`), NotYet),
		signed("issued in the future", claimsWith(`"sub":"alice"`, exp(900), `"iat":1800000031`), NotYet),
		signed("issued in milliseconds", claimsWith(`"sub":"alice"`, exp(900), `"iat":1800000000000`), NotYet),
	}
	for _, value := range []string{`"1800000900"`, `null`, `true`, `[1800000900]`, `{}`, `1e400`, `-1e400`, `"NaN"`} {
		for _, claim := range []string{"exp", "nbf", "iat"} {
			members := []string{`"sub":"alice"`, fmt.Sprintf("%q:%s", claim, value)}
			if claim != "exp" {
				members = append(members, exp(900))
			}
			all = append(all, signed(claim+" "+value, claimsWith(members...), Malformed))
		}
	}
	for _, value := range []string{`NaN`, `Infinity`, `-Infinity`, `01800000900`, `+1800000900`, `1800000900.`, `0x6B49D200`,
		`1_800_000_900`} {
		all = append(all, signed("exp that is no JSON: "+value, claimsWith(`"sub":"alice"`, `"exp":`+value), Malformed))
	}
	return all
}

func hostileParties() []hostile {
	aud := func(value string) string { return bare(`"iss":"` + issuer + `","aud":` + value) }
	iss := func(value string) string { return bare(`"aud":"` + audience + `","iss":` + value) }
	var all []hostile
	for _, value := range []string{
		`""`, `"nextjs"`, `"nextjs-frontend "`, `"NEXTJS-FRONTEND"`, `"nextjs-frontend\u0000"`, `null`, `1`, `["nextjs-frontend"]`,
		`"nextjs-frontend\ud800"`,
	} {
		all = append(all, signed("issuer "+value, iss(value), Issuer))
	}
	for _, value := range []string{
		`""`, `"other"`, `"fastapi-backend/"`, `null`, `1`, `[]`, `["other"]`, `[["fastapi-backend"]]`, `["fastapi-backend",1]`,
		`[null]`, `["fastapi-backend","\ud800"]`, `{"fastapi-backend":true}`, `"fastapi-backend other"`,
	} {
		all = append(all, signed("audience "+value, aud(value), Audience))
	}
	return append(all,
		signed("no issuer", bare(`"aud":"`+audience+`"`), Issuer),
		signed("no audience", bare(`"iss":"`+issuer+`"`), Audience),
	)
}

func hostileSubjects() []hostile {
	all := []hostile{
		signed("no subject", claimsWith(exp(900)), Subject),
		signed("subject in capitals", claimsWith(`"SUB":"alice"`, exp(900)), Subject),
		signed("verification token of Better Auth", claimsWith(`"userId":"alice"`, `"email":"a@example.com"`, exp(900)), Subject),
		signed("id instead", claimsWith(`"id":"alice"`, `"user_id":"alice"`, exp(900)), Subject),
		signed("cookie cache of Better Auth", claimsWith(`"session":{"userId":"alice"}`, `"user":{"id":"alice"}`, exp(900)), Subject),
	}
	for _, value := range []string{`""`, `null`, `1`, `true`, `["alice"]`, `{"id":"alice"}`} {
		all = append(all, signed("subject "+value, claimsWith(`"sub":`+value, exp(900)), Subject))
	}
	return append(all, signed("subject of half a surrogate pair", claimsWith(`"sub":"\ud83d"`, exp(900)), Subject),
		signed("subject with half a surrogate pair", claimsWith(`"sub":"alice\udc00"`, exp(900)), Subject))
}
