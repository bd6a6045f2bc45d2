package authn

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// hostile is one header that must be refused, with the reason.
type hostile struct {
	name   string
	header []string
	reason Reason
}

// hostiles returns every attack and every accident that the contract names or the formats suggest.
func hostiles() []hostile {
	var all []hostile
	for _, group := range [][]hostile{
		hostileSchemes(), hostileShapes(), hostileEncodings(), hostileAlgorithms(), hostileHeaders(), hostileKeyIDs(),
		hostileSignatures(), hostileClaims(), hostileTimes(), hostileParties(), hostileSubjects(),
	} {
		all = append(all, group...)
	}
	return all
}

func token(name, token string, reason Reason) hostile {
	return hostile{name, []string{"Bearer " + token}, reason}
}

func hostileSchemes() []hostile {
	return []hostile{
		{"no header", nil, Missing},
		{"empty header", []string{""}, Missing},
		{"only a space", []string{" "}, Missing},
		{"scheme alone", []string{"Bearer"}, Missing},
		{"scheme and spaces", []string{"Bearer   "}, Missing},
		{"token without a scheme", []string{good()}, Missing},
		{"basic", []string{"Basic YWxpY2U6c2VjcmV0"}, Missing},
		{"another scheme", []string{"Token " + good()}, Missing},
		{"dpop", []string{"DPoP " + good()}, Missing},
		{"scheme with a colon", []string{"Bearer: " + good()}, Missing},
		{"scheme with an equals sign", []string{"Bearer=" + good()}, Missing},
		{"tab after the scheme", []string{"Bearer\t" + good()}, Missing},
		{"space before the scheme", []string{" Bearer " + good()}, Missing},
		{"longer scheme", []string{"Bearers " + good()}, Missing},
		{"scheme with a cyrillic letter", []string{"Bear\u0435r " + good()}, Missing},
		{"two headers", []string{"Bearer " + good(), "Bearer " + good()}, Repeated},
		{"two headers, one empty", []string{"Bearer " + good(), ""}, Repeated},
		{"two headers, basic first", []string{"Basic eDp5", "Bearer " + good()}, Repeated},
	}
}

func hostileShapes() []hostile {
	long := forge(goodHeader, claimsWith(`"sub":"alice"`, exp(900), `"pad":"`+strings.Repeat("x", 5700)+`"`), active)
	return []hostile{
		token("one word", "x", Malformed),
		token("two tokens", good()+" "+good(), Malformed),
		token("two tokens with a comma", good()+", Bearer "+good(), Malformed),
		token("trailing space", good()+" ", Malformed),
		token("tab before the token", "\t"+good(), Malformed),
		token("quoted", `"`+good()+`"`, Malformed),
		token("percent-encoded dot", strings.Replace(good(), ".", "%2E", 1), Malformed),
		token("no dots", strings.ReplaceAll(good(), ".", ""), Malformed),
		token("one dot", b64(goodHeader)+"."+b64(goodClaims()), Malformed),
		token("only dots", "..", Malformed),
		token("many dots", strings.Repeat(".", 8000), Malformed),
		token("leading dot", "."+good(), Malformed),
		token("trailing dot", good()+".", Malformed),
		token("fourth part", good()+"."+b64("x"), Malformed),
		token("compact JWE", b64(`{"alg":"dir","enc":"A256GCM"}`)+"..aXY.Y2lwaGVy.dGFn", Malformed),
		token("JSON serialization", `{"payload":"`+b64(goodClaims())+`"}`, Malformed),
		token("opaque session token", "J7yS3kq0Zb1fX5v8N2m4P6r9T0w1y3A5", Malformed),
		token("cookie of Better Auth", "J7yS3kq0.c2lnbmF0dXJl", Malformed),
		token("empty header", "."+b64(goodClaims())+".c2ln", Malformed),
		token("unicode", "töken.töken.töken", Malformed),
		token("NUL", good()+"\x00", Malformed),
		token("8 KiB and one byte", strings.Repeat("x", 8193), Oversized),
		token("8 KiB and more, well signed", long+strings.Repeat("x", 8193-len(long)), Oversized),
		token("a megabyte", strings.Repeat("a.", 1<<19), Oversized),
		token("exactly 8 KiB of nothing", strings.Repeat("x", 8192), Malformed),
	}
}

func hostileEncodings() []hostile {
	header, claims := b64(goodHeader), b64(goodClaims())
	sealed := func(segments string) string { return seal(sha256.New, segments, active) }
	parts := strings.Split(good(), ".")
	return []hostile{
		token("padded header", sealed(b64(goodHeader+" ")+"=."+claims), Malformed),
		token("padded claims", sealed(header+"."+claims+"="), Malformed),
		token("padded signature", good()+"=", Malformed),
		token("standard alphabet", sealed(b64(`{"alg":"HS256","x":"`)+"+/"+"."+claims), Malformed),
		token("line break in the header", sealed(header[:8]+"\n"+header[8:]+"."+claims), Malformed),
		token("line break in the claims", sealed(header+"."+claims[:8]+"\r\n"+claims[8:]), Malformed),
		token("line break in the signature", good()[:len(good())-4]+"\n"+good()[len(good())-4:], Malformed),
		token("signature with loose bits", loosen(good()), Malformed),
		token("claims with loose bits", sealed(header+"."+loosen(b64(goodClaims()+" "))), Malformed),
		token("header of impossible length", sealed("e."+claims), Malformed),
		token("percent-encoded", sealed(header+"."+claims+"%3D"), Malformed),
		token("hex signature", parts[0]+"."+parts[1]+".zz!!", Malformed),
	}
}

// loosen changes the bits of the last character that decode to nothing: another text for the same bytes.
func loosen(encoded string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, encoded[len(encoded)-1])
	return encoded[:len(encoded)-1] + string(alphabet[last|1])
}

func hostileAlgorithms() []hostile {
	var all []hostile
	for _, name := range []string{
		"none", "None", "NONE", "nOnE", "", " HS256", "HS256 ", "hs256", "Hs256", "HS384", "HS512", "HS1", "RS256", "RS512",
		"ES256", "ES384", "PS256", "EdDSA", "Ed25519", "dir", "A256KW", "HS256\x00", "ＨＳ256", "RSA-OAEP", "HMACSHA256",
	} {
		header := fmt.Sprintf(`{"alg":%s,"kid":"2"}`, quote(name))
		all = append(all, token("algorithm "+name, forge(header, goodClaims(), active), Algorithm),
			token("unsigned algorithm "+name, b64(header)+"."+b64(goodClaims())+".", Algorithm))
	}
	for _, value := range []string{"null", "256", "true", `["HS256"]`, `{"HS256":true}`} {
		all = append(all, token("algorithm of another type "+value,
			forge(`{"alg":`+value+`}`, goodClaims(), active), Algorithm))
	}
	return append(all,
		token("no algorithm", forge(`{"typ":"JWT"}`, goodClaims(), active), Algorithm),
		token("member named ALG", forge(`{"ALG":"HS256"}`, goodClaims(), active), Algorithm),
		token("HS384 with its own MAC", forgeWith(sha384, `{"alg":"HS384"}`, goodClaims(), active), Algorithm),
		token("HS512 with its own MAC", forgeWith(sha512hash, `{"alg":"HS512"}`, goodClaims(), active), Algorithm),
		token("HS256 with the MAC of HS512", forgeWith(sha512hash, goodHeader, goodClaims(), active), Signature),
	)
}

func quote(s string) string {
	return `"` + strings.ReplaceAll(s, "\x00", `\u0000`) + `"`
}
