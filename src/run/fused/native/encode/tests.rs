//! Instructions against the bytes that GNU as 2.40 makes of the same text (Intel syntax, `{evex}` before
//! those on vectors and `{vex3}` before those on masks; read with `objdump -d`).

use super::{Assembler, Gpr, K, Lanes, Mem, Rm, Zmm, ops};

fn at(base: Gpr, index: Option<(Gpr, u8)>, disp: i32) -> Mem {
    Mem { base, index, disp }
}

type Write = fn(&mut Assembler);

macro_rules! table {
    ($($text:literal, $bytes:literal, $method:ident($($arg:expr),*);)*) => {
        /// Text, bytes, and what writes them.
        const INSTRUCTIONS: &[(&str, &str, Write)] = &[
            $(($text, $bytes, |asm| asm.$method($($arg),*)),)*
        ];
    };
}

table! {
    "vaddps zmm3, zmm9, zmm31", "6291344858df", vector(ops::ADD, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::All);
    "vaddps zmm17{k1}, zmm1, zmmword ptr [r12+r9*8+0x11]", "62817449588ccc11000000", vector(ops::ADD, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::Some(K(1)));
    "vmulps zmm30{k1}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624154415974857f", vector(ops::MUL, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::Some(K(1)));
    "vmulps zmm3{k7}{z}, zmm9, zmm31", "629134cf59df", vector(ops::MUL, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::OrZero(K(7)));
    "vsubps zmm8{k7}{z}, zmm16, dword ptr [rsp-4]{1to16}", "62717cd75c4424ff", vector(ops::SUB, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::OrZero(K(7)));
    "vsubps zmm30, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624154405c74857f", vector(ops::SUB, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::All);
    "vminps zmm17, zmm1, zmmword ptr [r12+r9*8+0x11]", "628174485d8ccc11000000", vector(ops::MIN, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::All);
    "vminps zmm8{k1}, zmm16, dword ptr [rsp-4]{1to16}", "62717c515d4424ff", vector(ops::MIN, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::Some(K(1)));
    "vdivps zmm3{k1}, zmm9, zmm31", "629134495edf", vector(ops::DIV, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::Some(K(1)));
    "vdivps zmm17{k7}{z}, zmm1, zmmword ptr [r12+r9*8+0x11]", "628174cf5e8ccc11000000", vector(ops::DIV, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::OrZero(K(7)));
    "vmaxps zmm30{k7}{z}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624154c75f74857f", vector(ops::MAX, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::OrZero(K(7)));
    "vmaxps zmm3, zmm9, zmm31", "629134485fdf", vector(ops::MAX, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::All);
    "vscalefps zmm8, zmm16, dword ptr [rsp-4]{1to16}", "62727d502c4424ff", vector(ops::SCALE, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::All);
    "vscalefps zmm30{k1}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255412c74857f", vector(ops::SCALE, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::Some(K(1)));
    "vpandd zmm17{k1}, zmm1, zmmword ptr [r12+r9*8+0x11]", "62817549db8ccc11000000", vector(ops::AND, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::Some(K(1)));
    "vpandd zmm8{k7}{z}, zmm16, dword ptr [rsp-4]{1to16}", "62717dd7db4424ff", vector(ops::AND, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::OrZero(K(7)));
    "vpord zmm3{k7}{z}, zmm9, zmm31", "629135cfebdf", vector(ops::OR, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::OrZero(K(7)));
    "vpord zmm17, zmm1, zmmword ptr [r12+r9*8+0x11]", "62817548eb8ccc11000000", vector(ops::OR, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::All);
    "vpxord zmm30, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "62415540ef74857f", vector(ops::XOR, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::All);
    "vpxord zmm3{k1}, zmm9, zmm31", "62913549efdf", vector(ops::XOR, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::Some(K(1)));
    "vpaddd zmm8{k1}, zmm16, dword ptr [rsp-4]{1to16}", "62717d51fe4424ff", vector(ops::PLUS, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::Some(K(1)));
    "vpaddd zmm30{k7}{z}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624155c7fe74857f", vector(ops::PLUS, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::OrZero(K(7)));
    "vpsubd zmm17{k7}{z}, zmm1, zmmword ptr [r12+r9*8+0x11]", "628175cffa8ccc11000000", vector(ops::MINUS, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::OrZero(K(7)));
    "vpsubd zmm8, zmm16, dword ptr [rsp-4]{1to16}", "62717d50fa4424ff", vector(ops::MINUS, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::All);
    "vpmulld zmm3, zmm9, zmm31", "6292354840df", vector(ops::TIMES, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::All);
    "vpmulld zmm17{k1}, zmm1, zmmword ptr [r12+r9*8+0x11]", "62827549408ccc11000000", vector(ops::TIMES, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::Some(K(1)));
    "vpminud zmm30{k1}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255413b74857f", vector(ops::MIN_UINT, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::Some(K(1)));
    "vpminud zmm3{k7}{z}, zmm9, zmm31", "629235cf3bdf", vector(ops::MIN_UINT, Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::OrZero(K(7)));
    "vblendmps zmm8{k7}{z}, zmm16, dword ptr [rsp-4]{1to16}", "62727dd7654424ff", vector(ops::BLEND, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::OrZero(K(7)));
    "vblendmps zmm30, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255406574857f", vector(ops::BLEND, Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::All);
    "vpermps zmm17, zmm1, zmmword ptr [r12+r9*8+0x11]", "62827548168ccc11000000", vector(ops::PERMUTE, Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::All);
    "vpermps zmm8{k1}, zmm16, dword ptr [rsp-4]{1to16}", "62727d51164424ff", vector(ops::PERMUTE, Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::Some(K(1)));
    "vfmadd132ps zmm3{k1}, zmm9, zmm31", "6292354998df", vector(ops::MULTIPLY_ADD[0][0], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::Some(K(1)));
    "vfmadd132ps zmm17{k7}{z}, zmm1, zmmword ptr [r12+r9*8+0x11]", "628275cf988ccc11000000", vector(ops::MULTIPLY_ADD[0][0], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::OrZero(K(7)));
    "vfmsub132ps zmm30{k7}{z}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255c79a74857f", vector(ops::MULTIPLY_ADD[0][1], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::OrZero(K(7)));
    "vfmsub132ps zmm3, zmm9, zmm31", "629235489adf", vector(ops::MULTIPLY_ADD[0][1], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::All);
    "vfnmadd132ps zmm8, zmm16, dword ptr [rsp-4]{1to16}", "62727d509c4424ff", vector(ops::MULTIPLY_ADD[0][2], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::All);
    "vfnmadd132ps zmm30{k1}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255419c74857f", vector(ops::MULTIPLY_ADD[0][2], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::Some(K(1)));
    "vfnmsub132ps zmm17{k1}, zmm1, zmmword ptr [r12+r9*8+0x11]", "628275499e8ccc11000000", vector(ops::MULTIPLY_ADD[0][3], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::Some(K(1)));
    "vfnmsub132ps zmm8{k7}{z}, zmm16, dword ptr [rsp-4]{1to16}", "62727dd79e4424ff", vector(ops::MULTIPLY_ADD[0][3], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::OrZero(K(7)));
    "vfmadd213ps zmm3{k7}{z}, zmm9, zmm31", "629235cfa8df", vector(ops::MULTIPLY_ADD[1][0], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::OrZero(K(7)));
    "vfmadd213ps zmm17, zmm1, zmmword ptr [r12+r9*8+0x11]", "62827548a88ccc11000000", vector(ops::MULTIPLY_ADD[1][0], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::All);
    "vfmsub213ps zmm30, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "62425540aa74857f", vector(ops::MULTIPLY_ADD[1][1], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::All);
    "vfmsub213ps zmm3{k1}, zmm9, zmm31", "62923549aadf", vector(ops::MULTIPLY_ADD[1][1], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::Some(K(1)));
    "vfnmadd213ps zmm8{k1}, zmm16, dword ptr [rsp-4]{1to16}", "62727d51ac4424ff", vector(ops::MULTIPLY_ADD[1][2], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::Some(K(1)));
    "vfnmadd213ps zmm30{k7}{z}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "624255c7ac74857f", vector(ops::MULTIPLY_ADD[1][2], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::OrZero(K(7)));
    "vfnmsub213ps zmm17{k7}{z}, zmm1, zmmword ptr [r12+r9*8+0x11]", "628275cfae8ccc11000000", vector(ops::MULTIPLY_ADD[1][3], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::OrZero(K(7)));
    "vfnmsub213ps zmm8, zmm16, dword ptr [rsp-4]{1to16}", "62727d50ae4424ff", vector(ops::MULTIPLY_ADD[1][3], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::All);
    "vfmadd231ps zmm3, zmm9, zmm31", "62923548b8df", vector(ops::MULTIPLY_ADD[2][0], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::All);
    "vfmadd231ps zmm17{k1}, zmm1, zmmword ptr [r12+r9*8+0x11]", "62827549b88ccc11000000", vector(ops::MULTIPLY_ADD[2][0], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::Some(K(1)));
    "vfmsub231ps zmm30{k1}, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "62425541ba74857f", vector(ops::MULTIPLY_ADD[2][1], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::Some(K(1)));
    "vfmsub231ps zmm3{k7}{z}, zmm9, zmm31", "629235cfbadf", vector(ops::MULTIPLY_ADD[2][1], Zmm(3), Some(Zmm(9)), Rm::Reg(Zmm(31)), Lanes::OrZero(K(7)));
    "vfnmadd231ps zmm8{k7}{z}, zmm16, dword ptr [rsp-4]{1to16}", "62727dd7bc4424ff", vector(ops::MULTIPLY_ADD[2][2], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::OrZero(K(7)));
    "vfnmadd231ps zmm30, zmm21, zmmword ptr [r13+rax*4+0x1fc0]", "62425540bc74857f", vector(ops::MULTIPLY_ADD[2][2], Zmm(30), Some(Zmm(21)), Rm::Mem(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128)), Lanes::All);
    "vfnmsub231ps zmm17, zmm1, zmmword ptr [r12+r9*8+0x11]", "62827548be8ccc11000000", vector(ops::MULTIPLY_ADD[2][3], Zmm(17), Some(Zmm(1)), Rm::Mem(at(Gpr::R12, Some((Gpr::R9, 8)), 17)), Lanes::All);
    "vfnmsub231ps zmm8{k1}, zmm16, dword ptr [rsp-4]{1to16}", "62727d51be4424ff", vector(ops::MULTIPLY_ADD[2][3], Zmm(8), Some(Zmm(16)), Rm::All(at(Gpr::RSP, None, -4)), Lanes::Some(K(1)));
    "vsqrtps zmm30, zmm15", "62417c4851f7", vector(ops::SQRT, Zmm(30), None, Rm::Reg(Zmm(15)), Lanes::All);
    "vsqrtps zmm3, dword ptr [rbp]{1to16}", "62f17c58515d00", vector(ops::SQRT, Zmm(3), None, Rm::All(at(Gpr::RBP, None, 0)), Lanes::All);
    "vcvtdq2ps zmm30, zmm15", "62417c485bf7", vector(ops::FLOAT, Zmm(30), None, Rm::Reg(Zmm(15)), Lanes::All);
    "vcvtdq2ps zmm3, dword ptr [rbp]{1to16}", "62f17c585b5d00", vector(ops::FLOAT, Zmm(3), None, Rm::All(at(Gpr::RBP, None, 0)), Lanes::All);
    "vrndscaleps zmm20{k2}{z}, zmm5, 9", "62e37dca08e509", vector(ops::FLOOR, Zmm(20), None, Rm::Reg(Zmm(5)), Lanes::OrZero(K(2)));
    "vmovups zmm25{k3}{z}, zmmword ptr [r11+rbx*2+0x80]", "62417ccb104c5b02", vector(ops::LOAD, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vmovups zmm2, zmmword ptr [r13]", "62d17c48105500", vector(ops::LOAD, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vmovupd zmm25{k3}{z}, zmmword ptr [r11+rbx*2+0x80]", "6241fdcb104c5b02", vector(ops::LOAD_F64, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vmovupd zmm2, zmmword ptr [r13]", "62d1fd48105500", vector(ops::LOAD_F64, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vpmovzxbd zmm25{k3}{z}, xmmword ptr [r11+rbx*2+0x80]", "62427dcb314c5b08", vector(ops::LOAD_U8, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vpmovzxbd zmm2, xmmword ptr [r13]", "62d27d48315500", vector(ops::LOAD_U8, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vpmovzxwd zmm25{k3}{z}, ymmword ptr [r11+rbx*2+0x80]", "62427dcb334c5b04", vector(ops::LOAD_U16, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vpmovzxwd zmm2, ymmword ptr [r13]", "62d27d48335500", vector(ops::LOAD_U16, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vpmovsxwd zmm25{k3}{z}, ymmword ptr [r11+rbx*2+0x80]", "62427dcb234c5b04", vector(ops::LOAD_I16, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vpmovsxwd zmm2, ymmword ptr [r13]", "62d27d48235500", vector(ops::LOAD_I16, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vcvtph2ps zmm25{k3}{z}, ymmword ptr [r11+rbx*2+0x80]", "62427dcb134c5b04", vector(ops::LOAD_F16, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vcvtph2ps zmm2, ymmword ptr [r13]", "62d27d48135500", vector(ops::LOAD_F16, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vcvtps2pd zmm25{k3}{z}, ymmword ptr [r11+rbx*2+0x80]", "62417ccb5a4c5b04", vector(ops::WIDEN, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vcvtps2pd zmm2, ymmword ptr [r13]", "62d17c485a5500", vector(ops::WIDEN, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vbroadcastss zmm25{k3}{z}, dword ptr [r11+rbx*2+0x80]", "62427dcb184c5b20", vector(ops::BROADCAST, Zmm(25), None, Rm::Mem(at(Gpr::R11, Some((Gpr::RBX, 2)), 128)), Lanes::OrZero(K(3)));
    "vbroadcastss zmm2, dword ptr [r13]", "62d27d48185500", vector(ops::BROADCAST, Zmm(2), None, Rm::Mem(at(Gpr::R13, None, 0)), Lanes::All);
    "vmovups zmm31, zmm16", "62217c4810f8", load(Zmm(31), Rm::Reg(Zmm(16)), Lanes::All);
    "vaddpd zmm3{k1}, zmm3, zmm17", "62b1e54958d9", vector(ops::ADD_F64, Zmm(3), Some(Zmm(3)), Rm::Reg(Zmm(17)), Lanes::Some(K(1)));
    "vmulpd zmm3{k1}, zmm3, zmm17", "62b1e54959d9", vector(ops::MUL_F64, Zmm(3), Some(Zmm(3)), Rm::Reg(Zmm(17)), Lanes::Some(K(1)));
    "vminpd zmm3{k1}, zmm3, zmm17", "62b1e5495dd9", vector(ops::MIN_F64, Zmm(3), Some(Zmm(3)), Rm::Reg(Zmm(17)), Lanes::Some(K(1)));
    "vmaxpd zmm3{k1}, zmm3, zmm17", "62b1e5495fd9", vector(ops::MAX_F64, Zmm(3), Some(Zmm(3)), Rm::Reg(Zmm(17)), Lanes::Some(K(1)));
    "vinsertf64x4 zmm9, zmm24, ymm30, 1", "6213bd401ace01", vector(ops::INSERT_HALF, Zmm(9), Some(Zmm(24)), Rm::Reg(Zmm(30)), Lanes::All);
    "vcmpps k5{k2}, zmm19, zmm8, 4", "62d16442c2e804", compare(ops::COMPARE, K(5), Zmm(19), Rm::Reg(Zmm(8)), Lanes::Some(K(2)), 4);
    "vpcmpd k5{k2}, zmm19, zmm8, 1", "62d365421fe801", compare(ops::COMPARE_INT, K(5), Zmm(19), Rm::Reg(Zmm(8)), Lanes::Some(K(2)), 1);
    "vpcmpud k5{k2}, zmm19, zmm8, 1", "62d365421ee801", compare(ops::COMPARE_UINT, K(5), Zmm(19), Rm::Reg(Zmm(8)), Lanes::Some(K(2)), 1);
    "vcmppd k5{k2}, zmm19, zmm8, 7", "62d1e542c2e807", compare(ops::COMPARE_F64, K(5), Zmm(19), Rm::Reg(Zmm(8)), Lanes::Some(K(2)), 7);
    "vpcmpud k3{k7}, zmm1, zmm2, 1", "62f3754f1eda01", compare(ops::COMPARE_UINT, K(3), Zmm(1), Rm::Reg(Zmm(2)), Lanes::OrZero(K(7)), 1);
    "vpcmpd k1, zmm2, dword ptr [r8+8]{1to16}, 6", "62d36d581f480206", compare(ops::COMPARE_INT, K(1), Zmm(2), Rm::All(at(Gpr::R8, None, 8)), Lanes::All, 6);
    "vmovups zmmword ptr [r10+rax*4-0x40]{k7}, zmm29", "62417c4f116c82ff", store(ops::STORE, at(Gpr::R10, Some((Gpr::RAX, 4)), -64), Zmm(29), Lanes::Some(K(7)));
    "vmovupd zmmword ptr [r10+rax*4-0x40]{k7}, zmm29", "6241fd4f116c82ff", store(ops::STORE_F64, at(Gpr::R10, Some((Gpr::RAX, 4)), -64), Zmm(29), Lanes::Some(K(7)));
    "vmovntps zmmword ptr [r10], zmm18", "62c17c482b12", store(ops::STREAM, at(Gpr::R10, None, 0), Zmm(18), Lanes::All);
    "vpslld zmm26, zmm11, 23", "62d12d4072f317", shift(ops::SHL, Zmm(26), Zmm(11), 23);
    "vpsrld zmm26, zmm11, 23", "62d12d4072d317", shift(ops::SHR, Zmm(26), Zmm(11), 23);
    "vpsrad zmm26, zmm11, 23", "62d12d4072e317", shift(ops::SAR, Zmm(26), Zmm(11), 23);
    "vextractf64x4 ymm4, zmm27, 1", "6263fd481bdc01", extract_half(Zmm(4), Zmm(27));
    "vpmovsqd ymm22, zmm6", "62b27e4825f6", narrow_ints(Zmm(22), Zmm(6));
    "vgatherdps zmm14{k4}, dword ptr [r9+zmm28*4+0x14]", "62127d449274a105", gather(Zmm(14), Gpr::R9, Zmm(28), 0x14, K(4));
    "vgatherdps zmm1{k1}, dword ptr [rbp+zmm9*4]", "62b27d49924c8d00", gather(Zmm(1), Gpr::RBP, Zmm(9), 0, K(1));
    "kandw k3, k6, k7", "c4e14c41df", mask(ops::MASK_AND, K(3), K(6), K(7));
    "korw k1, k2, k5", "c4e16c45cd", mask(ops::MASK_OR, K(1), K(2), K(5));
    "knotw k4, k6", "c4e17844e6", mask_not(K(4), K(6));
    "kshiftrw k2, k7, 8", "c4e3f930d708", mask_shift_right(K(2), K(7), 8);
    "kmovw k7, edx", "c4e17892fa", mask_from_gpr(K(7), Gpr::RDX);
    "kmovw k2, r10d", "c4c17892d2", mask_from_gpr(K(2), Gpr::R10);
    "kmovw k5, word ptr [rsp+0x40]", "c4e178906c2440", load_mask(K(5), at(Gpr::RSP, None, 64));
    "kmovw word ptr [rsp+0x140], k6", "c4e17891b42440010000", store_mask(at(Gpr::RSP, None, 320), K(6));
    "mov r13, qword ptr [rdi+0x18]", "4c8b6f18", load_gpr(Gpr::R13, at(Gpr::RDI, None, 24));
    "mov qword ptr [rdi+8], r10", "4c895708", store_gpr(at(Gpr::RDI, None, 8), Gpr::R10);
    "lea r10, [r12+rax*4+0x40000]", "4d8d948400000400", lea(Gpr::R10, at(Gpr::R12, Some((Gpr::RAX, 4)), 262144));
    "prefetcht0 byte ptr [r13+rax*4+0x1fc0]", "410f188c85c01f0000", prefetch(at(Gpr::R13, Some((Gpr::RAX, 4)), 8128), false);
    "prefetcht1 byte ptr [r12+r9*8+0x11]", "430f1854cc11", prefetch(at(Gpr::R12, Some((Gpr::R9, 8)), 17), true);
    "mov rbp, rsp", "4889e5", mov(Gpr::RBP, Gpr::RSP);
    "add r14, rax", "4901c6", add(Gpr::R14, Gpr::RAX);
    "cmp rax, rsi", "4839f0", cmp(Gpr::RAX, Gpr::RSI);
    "sub rsp, 0x12340", "4881ec40230100", sub_imm(Gpr::RSP, 0x12340);
    "and r14, 0x12340", "4981e640230100", and_imm(Gpr::R14, 0x12340);
    "add r9, 0x12340", "4981c140230100", add_imm(Gpr::R9, 0x12340);
    "test r10, 0x3f", "49f7c23f000000", test_imm(Gpr::R10, 0x3f);
    "movabs r10, 0x123456789", "49ba8967452301000000", load_imm(Gpr::R10, 0x1_2345_6789);
    "ret", "c3", ret();
    "vzeroupper", "c5f877", zero_upper();
}

#[test]
fn bytes_are_those_of_an_assembler() {
    for (text, bytes, write) in INSTRUCTIONS {
        let mut asm = Assembler::new();
        write(&mut asm);
        let code = asm.code;
        let code: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&code, bytes, "{text}");
    }
}

#[test]
fn constants_lie_behind_the_code() {
    let mut asm = Assembler::new();
    let one = Rm::Const(1f32.to_bits());
    asm.vector(ops::ADD, Zmm(0), Some(Zmm(1)), one, Lanes::All);
    // The number behind the distance counts, too.
    asm.vector(ops::FLOOR, Zmm(2), None, Rm::Const(7), Lanes::All);
    asm.vector(ops::BROADCAST, Zmm(3), None, one, Lanes::All);
    let code = asm.finish();
    let number =
        |at: usize| u32::from_le_bytes([code[at], code[at + 1], code[at + 2], code[at + 3]]);
    // Distances count from the end of their instructions, which are 10, 11 and 10 bytes long.
    let of = |distance: usize, end: usize| number(end + number(distance) as usize);
    assert_eq!(of(6, 10), 1f32.to_bits());
    assert_eq!(of(16, 21), 7);
    assert_eq!(of(27, 31), 1f32.to_bits());
    assert_eq!(code.len(), 64 + 8, "a constant stands there once");
    // The bit that spreads one number over all lanes, which the third has no need of.
    assert_eq!([code[3], code[13], code[24]].map(|b| b >> 4 & 1), [1, 1, 0]);
}

#[test]
fn jumps_go_both_ways() {
    use super::Condition;
    let mut asm = Assembler::new();
    let [back, on] = std::array::from_fn(|_| asm.label());
    asm.bind(back);
    asm.jump(Condition::Equal, on);
    asm.jump(Condition::Always, back);
    asm.bind(on);
    let code = asm.finish();
    assert_eq!(
        &code[..11],
        [0x0f, 0x84, 5, 0, 0, 0, 0xe9, 0xf5, 0xff, 0xff, 0xff]
    );
}
